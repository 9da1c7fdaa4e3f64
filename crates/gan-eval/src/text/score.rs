//! The scores of text by name: what each measures, and which values are better.

use gan_metrics::Better;
use serde::{Deserialize, Serialize};

/// A score's value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextScore {
    /// What it is.
    pub kind: TextScoreKind,
    /// The figure.
    pub value: f64,
    /// Its standard error, where there is one: see [`TextScoreKind::uncertainty`].
    pub uncertainty: Option<f64>,
}

/// A group of scores that are computed together and shown under one heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMetric {
    /// n-grams shared with held-out text, and among the texts themselves.
    Bleu,
    /// −ln p by the generator, by the oracle and by models of n-grams.
    Likelihood,
    /// What a model that is trained on the texts knows of held-out text.
    Reverse,
    /// Whether a new classifier tells the texts from held-out ones.
    Classifier,
    /// Distances in features that need no training: hashed n-grams.
    Hashed,
    /// Distances in the states of a language model that was trained on the training text.
    Encoder,
    /// How the texts differ from one another.
    Diversity,
    /// What they share with the training text.
    Memorization,
    /// Whether they are well formed.
    Form,
}

macro_rules! score_kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal => $metric:ident, $label:literal, $better:expr, $spread:literal;)*) => {
        /// One figure of an evaluation of text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum TextScoreKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl TextScoreKind {
            /// All of them, in the order of a table.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its group.
            pub fn metric(self) -> TextMetric {
                match self { $(Self::$kind => TextMetric::$metric,)* }
            }

            /// Its name in files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Its name in tables.
            pub fn label(self) -> &'static str {
                match self { $(Self::$kind => $label,)* }
            }

            /// Which values are better.
            pub fn better(self) -> Better {
                match self { $(Self::$kind => $better,)* }
            }

            /// What its uncertainty is.
            pub fn uncertainty(self) -> &'static str {
                match self { $(Self::$kind => $spread,)* }
            }
        }
    };
}

score_kinds! {
    /// [`BleuReferences`](gan_text_metrics::BleuReferences) of all held-out texts; n-grams of lengths 1 and 2.
    Bleu2 "bleu-2" => Bleu, "BLEU-2", Better::Higher, "standard error over texts";
    /// Of lengths 1 to 3.
    Bleu3 "bleu-3" => Bleu, "BLEU-3", Better::Higher, "standard error over texts";
    /// Of lengths 1 to 4.
    Bleu4 "bleu-4" => Bleu, "BLEU-4", Better::Higher, "standard error over texts";
    /// Of lengths 1 to 5.
    Bleu5 "bleu-5" => Bleu, "BLEU-5", Better::Higher, "standard error over texts";
    /// [`self_bleu`](gan_text_metrics::self_bleu) of each text against all others.
    SelfBleu2 "self-bleu-2" => Bleu, "self-BLEU-2", Better::NearData, "standard error over texts";
    /// Of lengths 1 to 3.
    SelfBleu3 "self-bleu-3" => Bleu, "self-BLEU-3", Better::NearData, "standard error over texts";
    /// Of lengths 1 to 4.
    SelfBleu4 "self-bleu-4" => Bleu, "self-BLEU-4", Better::NearData, "standard error over texts";
    /// Of lengths 1 to 5.
    SelfBleu5 "self-bleu-5" => Bleu, "self-BLEU-5", Better::NearData, "standard error over texts";
    /// −ln p of held-out text by the generator, in nats a token, ends included.
    NllGen "nll-gen" => Likelihood, "NLL_gen (held-out text), nats a token", Better::Lower, "standard error over texts";
    /// exp of it.
    Perplexity "perplexity" => Likelihood, "perplexity a token", Better::Lower, "standard error over texts";
    /// The same text's −log₂ p over its characters, of which the end of a text is one.
    BitsPerCharacter "bits-per-character" => Likelihood, "bits a character", Better::Lower, "standard error over texts";
    /// −ln p of a generator's own texts, in nats a token: how much they vary. Tokens that are never generated, such
    /// as the unknown one, keep their share of p.
    NllDiv "nll-div" => Likelihood, "NLL_div (own text), nats a token", Better::NearData, "standard error over texts";
    /// −ln p of the texts by the oracle, in nats a token.
    NllOracle "nll-oracle" => Likelihood, "NLL_oracle, nats a token", Better::NearData, "standard error over texts";
    /// −ln p of the texts by a 5-gram model of the training text, in nats a token.
    NllNgram "nll-5-gram" => Likelihood, "NLL by 5-grams, nats a token", Better::NearData, "standard error over texts";
    /// The share of texts of which no token is less likely, by the oracle or else by 5-grams, than 99.9 % of the
    /// tokens of held-out text.
    CleanShare "clean-share" => Likelihood, "clean texts", Better::NearData, "standard error over texts";
    /// −ln p of held-out text by a small language model that was trained on the texts, in nats a token.
    ReverseNll "reverse-nll" => Reverse, "reverse NLL (trained on the texts)", Better::Lower, "standard error over texts";
    /// The share of texts that a new classifier tells right, of as many real as generated ones that it was not
    /// trained on.
    ClassifierAccuracy "classifier-accuracy" => Classifier, "new classifier's accuracy", Better::Near(0.5), "bootstrap of the tested texts";
    /// Fréchet distance of hashed n-grams.
    HashedFrechet "hashed-frechet" => Hashed, "Fréchet distance (n-grams)", Better::Lower, "bootstrap of both sets";
    /// Kernel distance of hashed n-grams.
    HashedKernel "hashed-kernel" => Hashed, "kernel distance (n-grams)", Better::Lower, "deviation over subsets";
    /// Precision in hashed n-grams.
    HashedPrecision "hashed-precision" => Hashed, "precision (n-grams)", Better::Higher, "standard error over texts";
    /// Recall in hashed n-grams.
    HashedRecall "hashed-recall" => Hashed, "recall (n-grams)", Better::Higher, "standard error over texts";
    /// Density in hashed n-grams.
    HashedDensity "hashed-density" => Hashed, "density (n-grams)", Better::Near(1.0), "standard error over texts";
    /// Coverage in hashed n-grams.
    HashedCoverage "hashed-coverage" => Hashed, "coverage (n-grams)", Better::Higher, "standard error over texts";
    /// Fréchet distance of an encoder's states.
    EncoderFrechet "encoder-frechet" => Encoder, "Fréchet distance (encoder)", Better::Lower, "bootstrap of both sets";
    /// Kernel distance of an encoder's states.
    EncoderKernel "encoder-kernel" => Encoder, "kernel distance (encoder)", Better::Lower, "deviation over subsets";
    /// Precision in an encoder's states.
    EncoderPrecision "encoder-precision" => Encoder, "precision (encoder)", Better::Higher, "standard error over texts";
    /// Recall in an encoder's states.
    EncoderRecall "encoder-recall" => Encoder, "recall (encoder)", Better::Higher, "standard error over texts";
    /// Density in an encoder's states.
    EncoderDensity "encoder-density" => Encoder, "density (encoder)", Better::Near(1.0), "standard error over texts";
    /// Coverage in an encoder's states.
    EncoderCoverage "encoder-coverage" => Encoder, "coverage (encoder)", Better::Higher, "standard error over texts";
    /// How many different tokens there are.
    DistinctTokens "distinct-tokens" => Diversity, "different tokens", Better::NearData, "none: a count";
    /// The share of different ones among all pairs of tokens.
    DistinctBigrams "distinct-2" => Diversity, "different 2-grams", Better::NearData, "none: it depends on the count of texts";
    /// Among all runs of three.
    DistinctTrigrams "distinct-3" => Diversity, "different 3-grams", Better::NearData, "none: it depends on the count of texts";
    /// Among all runs of four.
    DistinctFourgrams "distinct-4" => Diversity, "different 4-grams", Better::NearData, "none: it depends on the count of texts";
    /// The share of different ones among all texts.
    DistinctTexts "distinct-texts" => Diversity, "different texts", Better::NearData, "none: it depends on the count of texts";
    /// How often the most frequent text occurs.
    MostFrequent "most-frequent" => Diversity, "times of the most frequent text", Better::NearData, "none: a count";
    /// Entropy of the tokens' shares, in nats.
    TokenEntropy "token-entropy" => Diversity, "entropy of tokens, nats", Better::NearData, "none: it depends on the count of texts";
    /// The mean number of tokens, without an end.
    MeanLength "mean-length" => Diversity, "mean length, tokens", Better::NearData, "standard error over texts";
    /// The share of texts that are training texts.
    Copies "copies" => Memorization, "copies of training texts", Better::NearData, "standard error over texts";
    /// The mean of the longest runs of tokens that stand in a training text.
    LongestRun "longest-run" => Memorization, "longest run of training text, tokens", Better::NearData, "standard error over texts";
    /// Their part of the texts.
    LongestRunPart "longest-run-part" => Memorization, "its part of the text", Better::NearData, "standard error over texts";
    /// The share of pairs of tokens that the training text does not have.
    NewBigrams "new-2-grams" => Memorization, "new 2-grams", Better::NearData, "standard error over texts";
    /// Of runs of three.
    NewTrigrams "new-3-grams" => Memorization, "new 3-grams", Better::NearData, "standard error over texts";
    /// Of runs of four.
    NewFourgrams "new-4-grams" => Memorization, "new 4-grams", Better::NearData, "standard error over texts";
    /// Of runs of five.
    NewFivegrams "new-5-grams" => Memorization, "new 5-grams", Better::NearData, "standard error over texts";
    /// The share of jamo that compose into syllables, or of bytes that are UTF-8.
    ValidShare "valid-share" => Form, "well-formed part", Better::Near(1.0), "none";
}
