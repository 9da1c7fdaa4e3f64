//! Evaluations of small data: controls behave as they must, and too little text is no error.

use super::batches::drawn;
use super::classifier::accuracy;
use super::protocol::{Choice, chosen};
use super::{
    CurveGenerator, EvaluationKind, PositionTexts, TextControlKind, TextEvaluationData,
    TextEvaluationFile, TextProtocol, TextScoreKind, TextSubject, check_texts_comparable,
    evaluate_text, text_comparison_table, text_score_table,
};
use crate::EvaluationFile;
use gan_core::candle_core::DType;
use gan_core::{Purpose, Seed, Sequences};
use gan_ops::Pool;
use gan_text::{
    GeneratorConfig, MaximumLikelihood, TextConfig, TextCorpus, TextData, TextGeneratorFile,
    TextGeneratorHeader, TextState, text_generator,
};
use std::path::{Path, PathBuf};

fn names() -> (PathBuf, TextData) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/names/surnames.txt");
    let data = TextData::open(&path, &TextConfig::default()).unwrap();
    (path, data)
}

/// Some of the names, every `nth` of them.
fn few_names(nth: usize) -> TextEvaluationData {
    let (path, mut data) = names();
    let some = |all: &Sequences| all.select((0..all.len()).step_by(nth));
    (data.train, data.held_out) = (some(&data.train), some(&data.held_out));
    TextEvaluationData::of_text(&path, &data)
}

/// A generator after some steps of maximum likelihood, in a file of its own.
fn generator(data: &TextEvaluationData, steps: u64, folder: &Path) -> TextGeneratorFile {
    let (corpus, config) = (&data.corpus, GeneratorConfig::default());
    let (vocabulary, start, seed) = (corpus.vocabulary, corpus.start, Seed(3));
    let model = text_generator(&config, vocabulary, start, seed, DType::F32).unwrap();
    let mut training = MaximumLikelihood::new(&model, 0.01, 64, seed).unwrap();
    for step in 0..steps {
        training.step(&model, corpus, step).unwrap();
    }
    let path = folder.join(format!("{steps}.safetensors"));
    let state = TextState {
        step: steps,
        ..TextState::default()
    };
    let header = TextGeneratorHeader::new(corpus, data.tokenizer_sha256(), state, seed);
    header.save(&model, &path).unwrap();
    TextGeneratorFile::read(&path).unwrap()
}

fn subject(data: &TextEvaluationData, folder: &Path) -> TextSubject {
    let last = generator(data, 90, folder);
    TextSubject::of_generator(Path::new("generator.safetensors"), "generator", last)
        .with_pretrained(generator(data, 60, folder))
}

fn evaluated(subject: &TextSubject, data: &TextEvaluationData, count: usize) -> TextEvaluationFile {
    let protocol = TextProtocol { count: Some(count) };
    evaluate_text(subject, data, &protocol, &mut |_| {}).unwrap()
}

#[test]
fn controls_behave_as_they_must() {
    let data = few_names(8);
    let folder = tempfile::tempdir().unwrap();
    let file = evaluated(&subject(&data, folder.path()), &data, 400);
    let of = |control, kind| {
        let control = file.control(control).unwrap();
        let score = control.score(kind);
        score
            .unwrap_or_else(|| panic!("{control:?} has no {kind:?}: {:?}", file.notes))
            .value
    };
    use {TextControlKind as C, TextScoreKind as K};
    assert_eq!(of(C::RepeatedText, K::SelfBleu2), 1.0);
    assert_eq!(of(C::RepeatedText, K::MostFrequent), 400.0);
    assert_eq!(of(C::TrainingText, K::Copies), 1.0);
    assert_eq!(of(C::TrainingText, K::NewFivegrams), 0.0);
    assert!(of(C::HeldOutText, K::Copies) < 0.01);
    for kind in [K::DistinctTokens, K::TokenEntropy, K::MeanLength] {
        assert_eq!(
            of(C::ShuffledText, kind),
            of(C::TrainingText, kind),
            "{kind:?}"
        );
    }
    let losses = [
        C::TrainingText,
        C::HeldOutText,
        C::ShuffledText,
        C::UniformTokens,
    ];
    let losses = losses.map(|control| of(control, K::NllNgram));
    assert!(
        losses.windows(2).all(|pair| pair[0] < pair[1]),
        "{losses:?}"
    );
    assert!(of(C::FiveGram, K::ReverseNll) > of(C::TrainingText, K::ReverseNll));
    let accuracies = [C::HeldOutText, C::TrainingText, C::UniformTokens];
    let accuracies = accuracies.map(|control| of(control, K::ClassifierAccuracy));
    assert!(
        accuracies[2] > 0.75 && accuracies[..2].iter().all(|real| *real < 0.65),
        "{accuracies:?}"
    );
    // With as few texts a distance has an error of its own.
    assert!(of(C::UniformTokens, K::EncoderFrechet) > 3.0 * of(C::TrainingText, K::EncoderFrechet));
    assert!(of(C::RepeatedText, K::EncoderRecall) < 0.1);
}

#[test]
fn a_generator_has_curves_a_verdict_and_scores_by_length() {
    let data = few_names(8);
    let folder = tempfile::tempdir().unwrap();
    let file = evaluated(&subject(&data, folder.path()), &data, 300);
    for generator in [CurveGenerator::Subject, CurveGenerator::Pretrained] {
        let curve = file.curve(generator).unwrap();
        let diversity = curve
            .points
            .iter()
            .map(|point| point.score(TextScoreKind::NllDiv).unwrap().value);
        let diversity: Vec<f64> = diversity.collect();
        assert!(diversity[0] > diversity[7], "{diversity:?}");
    }
    let verdict = file.verdict.as_ref().unwrap();
    let tempered = file.control(TextControlKind::PretrainedMatched).unwrap();
    assert_eq!(tempered.alpha, Some(verdict.alpha));
    let of = |score: Option<super::TextScore>| score.unwrap().value;
    let difference =
        of(file.score(TextScoreKind::NllDiv)) - of(tempered.score(TextScoreKind::NllDiv));
    assert!(difference.abs() < 0.1, "{difference}");
    assert!(
        verdict.sentence.starts_with("At equal NLL_div"),
        "{}",
        verdict.sentence
    );
    let own = file
        .by_length
        .iter()
        .filter(|scores| scores.control.is_none());
    for scores in own {
        let real: usize = scores.bins.iter().map(|bin| bin.real.texts).sum();
        assert_eq!(real, data.held_out.len());
    }
    assert!(file.by_position.len() >= 4);
    assert_eq!(file.examples.generated.len(), 20);

    let path = folder.path().join("evaluation.json");
    file.write(&path).unwrap();
    assert_eq!(TextEvaluationFile::read(&path).unwrap(), file);
    assert_eq!(EvaluationKind::of(&path).unwrap(), EvaluationKind::Text);
    let said = EvaluationFile::read(&path).unwrap_err().to_string();
    assert!(
        said.contains("an evaluation of text, expected one of images"),
        "{said}"
    );
    std::fs::write(&path, r#"{"evaluation_format_version": 2}"#).unwrap();
    let said = TextEvaluationFile::read(&path).unwrap_err().to_string();
    assert!(
        said.contains("an evaluation of images, expected one of text"),
        "{said}"
    );
    assert!(text_score_table(&file)[0].contains("held-out text"));
    let named = |name: &str| (name.to_string(), file.clone());
    assert!(text_comparison_table(&[named("a"), named("b")]).len() > 20);
    check_texts_comparable(&named("a"), &named("b")).unwrap();
    let mut other = named("b");
    other.1.data.tokenizer_sha256 = None;
    let said = check_texts_comparable(&named("a"), &other)
        .unwrap_err()
        .to_string();
    assert!(said.contains("the tokens' SHA-256"), "{said}");
}

/// Sequences of ten tokens that a small random model drew.
fn oracle_data() -> TextEvaluationData {
    let config = GeneratorConfig {
        initial_std: 1.0,
        ..GeneratorConfig::default()
    };
    let oracle = text_generator(&config, 60, 0, Seed(8), DType::F32).unwrap();
    let mut corpus = TextCorpus {
        sequences: Sequences::default(),
        vocabulary: 60,
        start: 0,
        end: None,
        never: Vec::new(),
        steps: 10,
    };
    let draw = |purpose| drawn(&oracle, &corpus, (400, 10), 1.0, purpose).unwrap();
    let (sequences, held_out) = (draw(Purpose::OracleData), draw(Purpose::OracleInit));
    corpus.sequences = sequences;
    TextEvaluationData {
        path: "oracle".into(),
        corpus,
        held_out,
        tokenizer: None,
        oracle: Some(oracle),
    }
}

#[test]
fn an_oracle_scores_texts_at_positions_beyond_the_datas() {
    let data = oracle_data();
    let folder = tempfile::tempdir().unwrap();
    let file = evaluated(&subject(&data, folder.path()), &data, 300);
    let nll = |control: TextControlKind| {
        let control = file.control(control).unwrap();
        control.score(TextScoreKind::NllOracle).unwrap().value
    };
    let own = file.score(TextScoreKind::NllOracle).unwrap().value;
    assert!(nll(TextControlKind::HeldOutText) < own, "{own}");
    assert!(own < nll(TextControlKind::UniformTokens), "{own}");
    let verdict = file.verdict.as_ref().unwrap();
    assert_eq!(verdict.compared[0].score, TextScoreKind::NllOracle);
    for of in [
        PositionTexts::Real,
        PositionTexts::Subject,
        PositionTexts::Pretrained,
    ] {
        let found = file
            .by_position
            .iter()
            .find(|found| found.of == of)
            .unwrap();
        assert_eq!(found.losses.len(), 40);
        let reached: Vec<usize> = found.clean.iter().map(|figure| figure.position).collect();
        assert_eq!(reached, [5, 10, 20, 40]);
    }
    // Ids, since nothing stands for them.
    assert_eq!(file.examples.generated[0].text.split(' ').count(), 10);
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let data = few_names(60);
    let folder = tempfile::tempdir().unwrap();
    let subject = subject(&data, folder.path());
    let with = |threads| {
        let pool = Pool::new(Some(threads)).unwrap();
        let file = pool.install(|| evaluated(&subject, &data, 60));
        serde_json::to_string(&file).unwrap()
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn real_text_cannot_be_told_from_real_text() {
    let (_, data) = names();
    let corpus = TextCorpus::of(&data);
    // The names are sorted by how frequent they are.
    let mixed = chosen(&data.held_out, usize::MAX, Choice::HeldOut);
    let half = mixed.len() / 2;
    let (one, other) = (mixed.select(0..half), mixed.select(half..2 * half));
    let found = accuracy(&corpus, &one, &other).unwrap().unwrap();
    let sigmas = (found.value - 0.5).abs() / found.standard_error;
    assert!(found.standard_error < 0.03 && sigmas < 4.0, "{found:?}");
}

#[test]
fn too_little_text_is_said_and_no_error() {
    let (path, mut data) = names();
    let folder = tempfile::tempdir().unwrap();
    for (training, held_out) in [(1, 0), (1, 1), (3, 2), (30, 1)] {
        let first = |all: &Sequences, count| all.select(0..count);
        let (_, all) = names();
        data.train = first(&all.train, training);
        data.held_out = first(&all.held_out, held_out);
        let data = TextEvaluationData::of_text(&path, &data);
        let file = evaluated(&subject(&data, folder.path()), &data, 5);
        assert!(file.score(TextScoreKind::NllDiv).is_some());
        assert_eq!(file.score(TextScoreKind::Bleu2).is_some(), held_out > 0);
        assert!(!file.notes.is_empty());
        let texts = data.corpus.sequences.clone();
        let texts = TextSubject::of_texts(Path::new("texts.txt"), texts);
        let protocol = TextProtocol::default();
        evaluate_text(&texts, &data, &protocol, &mut |_| {}).unwrap();
    }
}

#[test]
fn texts_of_other_tokens_are_refused() {
    let data = few_names(60);
    let said = |subject: &TextSubject| {
        let protocol = TextProtocol::default();
        let found = evaluate_text(subject, &data, &protocol, &mut |_| {});
        found.unwrap_err().to_string()
    };
    let of = |ids: &[u32]| TextSubject::of_texts(Path::new("texts"), [ids].into_iter().collect());
    assert!(said(&of(&[9999])).contains("token 9999 of a vocabulary of"));
    let none = TextSubject::of_texts(Path::new("texts"), Sequences::default());
    assert!(said(&none).contains("no texts"));
    let folder = tempfile::tempdir().unwrap();
    let mut file = generator(&data, 0, folder.path());
    file.header.tokenizer_sha256 = Some("other".to_string());
    let other = TextSubject::of_generator(Path::new("a"), "run", file);
    assert!(said(&other).contains("tokens with SHA-256 other"));
}
