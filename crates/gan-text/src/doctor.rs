//! The doctor of text: signs of trouble in a run's history, each with its evidence and one thing to try.

/// A known way for the training of a text generator to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFailure {
    /// A figure is NaN or infinite.
    NotFinite,
    /// The same texts are drawn over and over.
    RepeatedTexts,
    /// Few of the data's tokens are drawn.
    VocabularyCollapse,
    /// The discriminator is always right, and its probabilities say nothing about which text is better.
    DeadDiscriminator,
    /// The discriminator is as often wrong as right: its rewards are noise.
    UninformedDiscriminator,
    /// All texts have the same reward.
    ConstantReward,
    /// Held-out texts have become much less likely.
    RisingLoss,
}

/// What is wrong, its evidence, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFinding {
    /// What is wrong.
    pub failure: TextFailure,
    /// The steps and figures that show it.
    pub evidence: String,
    /// One thing to try.
    pub advice: &'static str,
}

/// The figures of a run, as far as they were logged, each with the generator's step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextHistory {
    /// The first step with a figure that is not finite, and which.
    pub not_finite: Option<(u64, String)>,
    /// The discriminator's accuracy, of each round or logged step.
    pub accuracies: Vec<(u64, f64)>,
    /// The mean reward of an adversarial step and its standard deviation over the texts.
    pub rewards: Vec<(u64, f64, f64)>,
    /// Scores during training.
    pub scores: Vec<TextHistoryScores>,
}

/// The scores after a step that the doctor looks at; NaN where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextHistoryScores {
    /// The step, from 0.
    pub step: u64,
    /// −ln p a token of held-out texts, in nats.
    pub nll_gen: f64,
    /// The share of different ones among the texts that were drawn.
    pub different_texts: f64,
    /// The same of as many training texts.
    pub real_different_texts: f64,
    /// The different tokens that were drawn.
    pub distinct_tokens: f64,
    /// Those of as many training texts.
    pub real_distinct_tokens: f64,
}

/// Figures of discriminator and reward that are looked at: the last of these many.
const RECENT: usize = 5;

/// Steps before which an untrained generator is no sign of trouble.
const EARLY: u64 = 200;

/// All that is wrong in a history; nothing in that of a healthy run.
pub fn diagnose_text(history: &TextHistory) -> Vec<TextFinding> {
    let scores = history.scores.last().filter(|last| last.step >= EARLY);
    let of_history = [
        history.not_finite.as_ref().map(not_finite),
        accuracy(&history.accuracies),
        constant_reward(&history.rewards),
        rising_loss(&history.scores),
    ];
    let of_scores = [
        scores.and_then(repeated_texts),
        scores.and_then(vocabulary_collapse),
    ];
    of_history.into_iter().chain(of_scores).flatten().collect()
}

fn not_finite((step, name): &(u64, String)) -> TextFinding {
    TextFinding {
        failure: TextFailure::NotFinite,
        evidence: format!("{name} is not a number at step {step}"),
        advice: "train again with a smaller `train.lr`, or a smaller `adversary.lr` if it was an adversarial step",
    }
}

fn repeated_texts(scores: &TextHistoryScores) -> Option<TextFinding> {
    let (share, real) = (scores.different_texts, scores.real_different_texts);
    (share < 0.5 * real).then(|| TextFinding {
        failure: TextFailure::RepeatedTexts,
        evidence: format!(
            "after step {} only {} of the texts drawn are different, {} of as many training texts",
            scores.step,
            percent(share),
            percent(real)
        ),
        advice: "use an earlier checkpoint, such as checkpoints/best-generator.safetensors; train again with fewer \
                 adversarial steps or a smaller `adversary.lr`",
    })
}

fn vocabulary_collapse(scores: &TextHistoryScores) -> Option<TextFinding> {
    let (drawn, real) = (scores.distinct_tokens, scores.real_distinct_tokens);
    (drawn < 0.5 * real).then(|| TextFinding {
        failure: TextFailure::VocabularyCollapse,
        evidence: format!(
            "after step {} texts are drawn of {drawn} different tokens, as many training texts have {real}",
            scores.step
        ),
        advice: "train again with fewer adversarial steps or a smaller `adversary.lr`; compare with \
                 pretrained.safetensors at a lower temperature, which `evaluate` does",
    })
}

fn accuracy(all: &[(u64, f64)]) -> Option<TextFinding> {
    let recent = all.get(all.len().checked_sub(RECENT)?..)?;
    let mean = recent.iter().map(|(_, accuracy)| accuracy).sum::<f64>() / RECENT as f64;
    let (failure, advice) = match mean {
        high if high > 0.98 => (
            TextFailure::DeadDiscriminator,
            "train again with a smaller `adversary.discriminator_lr`: a discriminator that is sure says nothing about \
             which text is better",
        ),
        low if low < 0.52 => (
            TextFailure::UninformedDiscriminator,
            "train the discriminator for more rounds, or with a larger `adversary.discriminator_lr`: its rewards are \
             noise, and whatever is gained is gained without it",
        ),
        _ => return None,
    };
    let (first, last) = (recent.first()?.0, recent.last()?.0);
    Some(TextFinding {
        failure,
        evidence: format!(
            "the discriminator is right in {} of its texts, the mean of steps {first} to {last}",
            percent(mean)
        ),
        advice,
    })
}

fn constant_reward(all: &[(u64, f64, f64)]) -> Option<TextFinding> {
    let recent = all.get(all.len().checked_sub(RECENT)?..)?;
    // The control without a discriminator rewards all with 1.
    let is_control = recent
        .iter()
        .all(|(_, reward, std)| *reward == 1.0 && *std == 0.0);
    let is_constant = recent
        .iter()
        .all(|(_, reward, std)| *std < 0.01 * reward.abs());
    let (step, reward, std) = recent.last()?;
    (is_constant && !is_control).then(|| TextFinding {
        failure: TextFailure::ConstantReward,
        evidence: format!(
            "at step {step} the reward is {reward:.4} with a deviation of {std:.5} over the texts of a batch: it tells \
             the generator to be surer of whatever it draws"
        ),
        advice: "train the discriminator for more rounds before the adversarial steps; compare with \
                 `adversary.reward = constant`",
    })
}

/// The rise of held-out texts' −ln p a token, in nats, that is a sign of trouble.
const RISE: f64 = 0.5;

fn rising_loss(all: &[TextHistoryScores]) -> Option<TextFinding> {
    let last = all.last()?;
    let lowest = all.iter().filter(|scores| scores.nll_gen.is_finite());
    let lowest = lowest.min_by(|a, b| a.nll_gen.total_cmp(&b.nll_gen))?;
    (last.nll_gen > lowest.nll_gen + RISE).then(|| TextFinding {
        failure: TextFailure::RisingLoss,
        evidence: format!(
            "NLL_gen of held-out texts was {:.2} nats a token after step {}, and is {:.2} after step {}",
            lowest.nll_gen, lowest.step, last.nll_gen, last.step
        ),
        advice: "sample from checkpoints/best-generator.safetensors; train again with fewer `train.epochs`, or fewer \
                 adversarial steps",
    })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: TextHistoryScores = TextHistoryScores {
        step: 1000,
        nll_gen: 3.0,
        different_texts: 0.99,
        real_different_texts: 1.0,
        distinct_tokens: 800.0,
        real_distinct_tokens: 1000.0,
    };

    fn found(history: &TextHistory) -> Vec<TextFailure> {
        let found = diagnose_text(history).into_iter();
        found.map(|finding| finding.failure).collect()
    }

    #[test]
    fn a_healthy_run_has_no_findings() {
        let history = TextHistory {
            accuracies: (0..9).map(|step| (step, 0.7)).collect(),
            rewards: (0..9).map(|step| (step, 0.4, 0.1)).collect(),
            scores: vec![HEALTHY],
            ..TextHistory::default()
        };
        assert_eq!(found(&history), []);
        assert_eq!(found(&TextHistory::default()), []);
    }

    #[test]
    fn scores_show_repetition_collapse_and_rising_loss() {
        for (scores, failure) in [
            (
                TextHistoryScores {
                    different_texts: 0.4,
                    ..HEALTHY
                },
                TextFailure::RepeatedTexts,
            ),
            (
                TextHistoryScores {
                    distinct_tokens: 400.0,
                    ..HEALTHY
                },
                TextFailure::VocabularyCollapse,
            ),
            (
                TextHistoryScores {
                    nll_gen: 3.6,
                    ..HEALTHY
                },
                TextFailure::RisingLoss,
            ),
        ] {
            let history = TextHistory {
                scores: vec![HEALTHY, scores],
                ..TextHistory::default()
            };
            assert_eq!(found(&history), [failure]);
        }
    }

    #[test]
    fn a_discriminator_and_rewards_are_judged_by_their_last_figures() {
        let of = |accuracy: f64, reward: f64, std: f64| TextHistory {
            accuracies: (0..5).map(|step| (step, accuracy)).collect(),
            rewards: (0..5).map(|step| (step, reward, std)).collect(),
            ..TextHistory::default()
        };
        assert_eq!(found(&of(0.99, 0.4, 0.1)), [TextFailure::DeadDiscriminator]);
        assert_eq!(
            found(&of(0.5, 0.4, 0.1)),
            [TextFailure::UninformedDiscriminator]
        );
        assert_eq!(found(&of(0.7, 0.4, 0.001)), [TextFailure::ConstantReward]);
        assert_eq!(found(&of(0.7, 1.0, 0.0)), [], "the control");
        let history = TextHistory {
            not_finite: Some((7, "nll".to_string())),
            ..TextHistory::default()
        };
        assert_eq!(found(&history), [TextFailure::NotFinite]);
    }
}
