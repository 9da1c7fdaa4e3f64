//! The suffix automaton of a set of sequences (Blumer et al., 1985), and through it the longest run of tokens that
//! each of them shares with another text.

use crate::key_map::{KeyMap, key};
use gan_core::Sequences;

/// The state of the empty run.
const ROOT: u32 = 0;

/// A state stands for runs that end at the same places, each a suffix of the longest; the next shorter suffix is
/// the longest run of the state that its link names. Size and time are linear in the tokens.
#[derive(Debug)]
pub(crate) struct SuffixAutomaton {
    states: Vec<State>,
    /// Where a state goes with a token.
    targets: KeyMap,
    /// The tokens with which a state goes on, each with the place of the one before.
    tokens: Vec<(u32, Option<u32>)>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    longest: u32,
    link: u32,
    last_token: Option<u32>,
}

impl SuffixAutomaton {
    /// The automaton of all runs in `sequences`, of fewer than 2³¹ tokens.
    pub(crate) fn new(sequences: &Sequences) -> Self {
        let root = State {
            longest: 0,
            link: ROOT,
            last_token: None,
        };
        let mut automaton = Self {
            states: vec![root],
            targets: KeyMap::default(),
            tokens: Vec::new(),
        };
        for sequence in sequences.iter() {
            sequence
                .iter()
                .fold(ROOT, |last, token| automaton.extend(last, *token));
        }
        automaton
    }

    /// For each state, the length of the longest suffix of its runs that occurs in `text`.
    pub(crate) fn shared_with(&self, text: &Sequences) -> Vec<u32> {
        let mut shared = vec![0; self.states.len()];
        for sequence in text.iter() {
            let (mut state, mut length) = (ROOT, 0);
            for token in sequence {
                while state != ROOT && self.target(state, *token).is_none() {
                    state = self.state(state).link;
                    length = self.state(state).longest;
                }
                if let Some(target) = self.target(state, *token) {
                    (state, length) = (target, length + 1);
                    let shared: &mut u32 = &mut shared[state as usize];
                    *shared = length.max(*shared);
                }
            }
        }
        let mut order: Vec<u32> = (1..self.states.len() as u32).collect();
        order.sort_unstable_by_key(|state| self.state(*state).longest);
        // What occurs has all its suffixes, the links' runs.
        for state in order.iter().rev() {
            if shared[*state as usize] > 0 {
                let link = self.state(*state).link;
                shared[link as usize] = self.state(link).longest;
            }
        }
        // Of runs that do not occur, the longest suffix that does is a suffix of the link's.
        for state in order {
            if shared[state as usize] == 0 {
                shared[state as usize] = shared[self.state(state).link as usize];
            }
        }
        shared
    }

    /// The longest run of `sequence`, one of the automaton's, of which `shared` says how far it occurs in a text.
    pub(crate) fn longest_shared(&self, sequence: &[u32], shared: &[u32]) -> usize {
        let mut state = ROOT;
        let runs = (1..).zip(sequence).map(|(length, token)| {
            state = self.target(state, *token).unwrap_or(ROOT);
            length.min(shared[state as usize] as usize)
        });
        runs.max().unwrap_or(0)
    }

    /// The state of all runs that end with `token` after the sequence whose state is `last`.
    fn extend(&mut self, last: u32, token: u32) -> u32 {
        if let Some(known) = self.target(last, token) {
            return self.split(last, token, known);
        }
        let new = self.add(self.state(last).longest + 1, ROOT);
        let mut state = last;
        loop {
            if let Some(known) = self.target(state, token) {
                let link = self.split(state, token, known);
                self.states[new as usize].link = link;
                return new;
            }
            self.connect(state, token, new);
            if state == ROOT {
                return new;
            }
            state = self.state(state).link;
        }
    }

    /// The state whose longest run is `state`'s with `token`: `target` itself, or a new one that takes over what
    /// is not longer.
    fn split(&mut self, mut state: u32, token: u32, target: u32) -> u32 {
        let longest = self.state(state).longest + 1;
        if self.state(target).longest == longest {
            return target;
        }
        let part = self.add(longest, self.state(target).link);
        let mut place = self.state(target).last_token;
        while let Some((token, before)) = place.map(|place| self.tokens[place as usize]) {
            if let Some(next) = self.target(target, token) {
                self.connect(part, token, next);
            }
            place = before;
        }
        self.states[target as usize].link = part;
        while self.target(state, token) == Some(target) {
            self.targets.insert(key(state, token), part);
            if state == ROOT {
                break;
            }
            state = self.state(state).link;
        }
        part
    }

    fn add(&mut self, longest: u32, link: u32) -> u32 {
        self.states.push(State {
            longest,
            link,
            last_token: None,
        });
        (self.states.len() - 1) as u32
    }

    /// Adds a way that `state` did not have.
    fn connect(&mut self, state: u32, token: u32, target: u32) {
        self.targets.insert(key(state, token), target);
        let last = &mut self.states[state as usize].last_token;
        self.tokens
            .push((token, last.replace(self.tokens.len() as u32)));
    }

    fn target(&self, state: u32, token: u32) -> Option<u32> {
        self.targets.get(&key(state, token)).copied()
    }

    fn state(&self, state: u32) -> State {
        self.states[state as usize]
    }
}
