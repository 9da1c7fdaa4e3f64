//! From a subject, the data and a protocol to scores of text with controls beside them.

use super::controls::data_controls;
use super::generator::Source;
use super::lengths::by_lengths;
use super::protocol::{ALPHAS, CURVE_TEXTS, Choice, DEFAULT_TEXTS, DISTANCE_TEXTS, chosen};
use super::reference::TextReference;
use super::scores::{Against, PerText, TextSet};
use super::sheet::Sheet;
use super::subject::{RUN, TextSource};
use super::verdict::{alpha_at, verdict};
use super::{
    CurveGenerator, PositionTexts, TextControl, TextControlKind, TextEvaluationData,
    TextEvaluationFile, TextExamples, TextProtocol, TextScoreKind, TextSubject,
};
use crate::EvalError;
use crate::event::{EvalEvent, Listener};
use gan_core::{Purpose, Sequences};
use gan_text::TextGenerator;
use gan_text_metrics::Diversity;

/// Scores the texts of `subject` against `data`, with controls. The same arguments give the same scores to the last
/// bit, for any number of threads.
///
/// A generator's text k is that of stream k of seed 0, as `sample` draws it. With the generator that its adversarial
/// steps began with, the verdict says what they gained over temperature.
///
/// # Errors
/// When the texts or the data cannot be used, or a network cannot be trained. A score for which there is too little
/// text is missing, and a note says why.
pub fn evaluate_text(
    subject: &TextSubject,
    data: &TextEvaluationData,
    protocol: &TextProtocol,
    tell: &mut dyn FnMut(EvalEvent<'_>),
) -> Result<TextEvaluationFile, EvalError> {
    subject.check(data)?;
    let facts = data.facts()?;
    let available = match &subject.source {
        TextSource::Generator { .. } => data.training().len(),
        TextSource::Texts(texts) => texts.len(),
    };
    let count = protocol.texts(available)?;
    let reference = TextReference::new(data, &facts, count, tell)?;
    let texts = subject_texts(subject, &reference, tell)?;
    let mut file = TextEvaluationFile::new(subject.facts.clone(), facts);
    file.encoder = reference.encoder.as_ref().map(|known| known.facts.clone());
    file.count = texts.len();
    file.distance_count = DISTANCE_TEXTS.min(texts.len());
    file.curve_count = CURVE_TEXTS.min(count);
    file.notes.clone_from(&reference.notes);
    describe(data, &texts, &mut file);
    score(subject, &reference, &texts, &mut file, tell)?;
    let controls = data_controls(&reference, &file.data, tell)?;
    file.controls = controls.controls;
    file.by_length.extend(controls.by_length);
    file.by_position.extend(controls.by_position);
    if let TextSource::Generator { pretrained, .. } = &subject.source {
        temperature(subject, &reference, pretrained.as_deref(), &mut file, tell)?;
    }
    Ok(file)
}

fn subject_texts(
    subject: &TextSubject,
    reference: &TextReference<'_>,
    tell: Listener<'_>,
) -> Result<Sequences, EvalError> {
    tell(EvalEvent::Expect(1));
    tell(EvalEvent::Begin("texts"));
    let texts = match &subject.source {
        TextSource::Generator { generator, .. } => {
            reference.draw(of_subject(generator.as_ref()), reference.count, 1.0)?
        }
        TextSource::Texts(texts) => chosen(texts, reference.count, Choice::Scored),
    };
    tell(EvalEvent::Done);
    Ok(texts)
}

fn of_subject(generator: &dyn TextGenerator) -> Source<'_> {
    Source {
        generator,
        purpose: Purpose::Sample,
    }
}

/// Some of the texts themselves.
fn describe(data: &TextEvaluationData, texts: &Sequences, file: &mut TextEvaluationFile) {
    let written = |ids: &[u32]| data.written(ids);
    file.examples = TextExamples::new(texts, &data.held_out, data.training(), &written);
    if let Ok(found) = Diversity::new(texts) {
        let text = texts.get(found.most_frequent).unwrap_or_default();
        file.most_frequent = data.written(text);
    }
}

/// The subject's own scores.
fn score(
    subject: &TextSubject,
    reference: &TextReference<'_>,
    texts: &Sequences,
    file: &mut TextEvaluationFile,
    tell: Listener<'_>,
) -> Result<(), EvalError> {
    tell(EvalEvent::Expect(1));
    let source = match &subject.source {
        TextSource::Generator { generator, .. } => Some(of_subject(generator.as_ref())),
        TextSource::Texts(_) => None,
    };
    let (sheet, per_text) = all_scores(reference, "generated texts", texts, source, 1.0, tell)?;
    file.scores = sheet.scores;
    file.notes.extend(sheet.notes);
    file.by_length = by_lengths(None, &per_text, &reference.per_text);
    let long = match source {
        Some(source) => reference.long_texts(source.generator, texts, source.purpose)?,
        None => texts.clone(),
    };
    let positions = reference.positions(PositionTexts::Subject, &long)?;
    file.by_position.push(positions);
    Ok(())
}

/// The scores of a set, and those of the generator that drew it.
fn all_scores(
    reference: &TextReference<'_>,
    label: &str,
    texts: &Sequences,
    source: Option<Source<'_>>,
    alpha: f64,
    tell: Listener<'_>,
) -> Result<(Sheet, PerText), EvalError> {
    let set = TextSet {
        label,
        texts,
        against: Against::HeldOut,
        reverse: true,
    };
    let (mut sheet, per_text) = reference.scores(&set, tell)?;
    if let Some(source) = source {
        let held_out = chosen(&reference.known, DEFAULT_TEXTS, Choice::HeldOut);
        sheet.add(reference.generator_scores(source, texts, &held_out, alpha)?);
    }
    Ok((sheet.sorted(), per_text))
}

/// Both generators over the temperature, and what the adversarial steps gained over it.
fn temperature(
    subject: &TextSubject,
    reference: &TextReference<'_>,
    pretrained: Option<&dyn TextGenerator>,
    file: &mut TextEvaluationFile,
    tell: Listener<'_>,
) -> Result<(), EvalError> {
    let TextSource::Generator { generator, .. } = &subject.source else {
        return Ok(());
    };
    tell(EvalEvent::Expect(ALPHAS.len()));
    let own = reference.curve(
        CurveGenerator::Subject,
        of_subject(generator.as_ref()),
        tell,
    )?;
    file.curves.push(own);
    let Some(pretrained) = pretrained else {
        // A run has it from its first adversarial step on.
        if subject.facts.kind != RUN {
            let note =
                "No verdict on adversarial steps: it needs the generator that they began with.";
            file.notes.push(note.to_string());
        }
        return Ok(());
    };
    let source = Source {
        generator: pretrained,
        purpose: Purpose::ControlSample,
    };
    tell(EvalEvent::Expect(ALPHAS.len() + 2));
    let curve = reference.curve(CurveGenerator::Pretrained, source, tell)?;
    let kind = TextControlKind::Pretrained;
    let control = pretrained_control(reference, source, (kind, 1.0), file, tell)?;
    file.controls.push(control);
    let wanted = file.score(TextScoreKind::NllDiv).map(|score| score.value);
    match wanted.and_then(|nll_div| alpha_at(&curve, nll_div)) {
        Some(alpha) => {
            let kind = TextControlKind::PretrainedMatched;
            let control = pretrained_control(reference, source, (kind, alpha), file, tell)?;
            file.verdict = verdict(file, &control);
            file.controls.push(control);
        }
        None => file.notes.push(
            "No verdict on the adversarial steps: at none of the temperatures does the generator that they \
             began with vary as much."
                .to_string(),
        ),
    }
    file.curves.push(curve);
    Ok(())
}

/// The pretrained generator's texts at an inverse temperature as a control.
fn pretrained_control(
    reference: &TextReference<'_>,
    source: Source<'_>,
    (kind, alpha): (TextControlKind, f64),
    file: &mut TextEvaluationFile,
    tell: Listener<'_>,
) -> Result<TextControl, EvalError> {
    let texts = reference.draw(source, reference.count, alpha)?;
    let label = format!("the pretrained generator at α = {alpha:.3}");
    let (sheet, per_text) = all_scores(reference, &label, &texts, Some(source), alpha, tell)?;
    if kind == TextControlKind::Pretrained {
        let found = by_lengths(Some(kind), &per_text, &reference.per_text);
        file.by_length.extend(found);
        let long = reference.long_texts(source.generator, &texts, source.purpose)?;
        let positions = reference.positions(PositionTexts::Pretrained, &long)?;
        file.by_position.push(positions);
    }
    Ok(TextControl {
        kind,
        alpha: Some(alpha),
        count: texts.len(),
        scores: sheet.scores,
        note: None,
    })
}
