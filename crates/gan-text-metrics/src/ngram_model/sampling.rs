//! Sequences drawn from an n-gram model.

use super::{Contexts, NgramModel};
use gan_core::{Purpose, Seed, Sequences};
use rand::Rng;
use rayon::prelude::*;

impl NgramModel {
    /// `count` sequences: number k is [`sequence`](Self::sequence) k, so it depends on no other. The model knows of
    /// lengths only what the last tokens tell, so lengths vary more than in real text; compare scores by length too.
    pub fn sample(&self, seed: Seed, count: usize) -> Sequences {
        let numbers = (0..count).into_par_iter();
        let drawn: Vec<Vec<u32>> = numbers.map(|k| self.sequence(seed, k as u64)).collect();
        drawn.iter().map(Vec::as_slice).collect()
    }

    /// Sequence number `index` of the seed, without the unknown token, up to its end or to as many tokens as the
    /// longest training sequence has.
    pub fn sequence(&self, seed: Seed, index: u64) -> Vec<u32> {
        let mut rng = seed.rng(Purpose::NgramSample, index);
        let mut contexts = self.start();
        let mut drawn = Vec::new();
        while drawn.len() < self.longest {
            let word = self.draw(&contexts, &mut rng);
            let Some(token) = self.vocabulary.token(word) else {
                break;
            };
            drawn.push(token);
            self.step(&mut contexts, Some(word));
        }
        drawn
    }

    /// A word with its probability given that it is not the unknown one.
    pub(super) fn draw(&self, contexts: &Contexts, rng: &mut impl Rng) -> u32 {
        loop {
            let levels = self.levels.iter().zip(contexts).rev();
            let mut known = levels.filter_map(|(level, context)| Some((level, (*context)?)));
            if let Some(word) = known.find_map(|(level, context)| level.draw(context, rng)) {
                return word;
            }
            let word = rng.random_range(0..self.vocabulary.events());
            if word <= self.vocabulary.end() {
                return word;
            }
        }
    }
}
