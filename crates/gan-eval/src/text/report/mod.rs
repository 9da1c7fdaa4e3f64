//! `report.html` of text: an evaluation with its pictures and some texts, in one file that needs no network.

mod texts;

use super::table::{value, with_uncertainty};
use super::{
    TextControl, TextEvaluationFile, TextMetric, TextScore, TextScoreKind, length_plots,
    trade_off_plots,
};
use crate::EvalError;
use crate::plot::Plot;
use crate::table::{better_word, figure};
use gan_core::write_atomically;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::io::Write;
use std::path::Path;

const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0}\
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884;vertical-align:top}\
th{vertical-align:bottom;white-space:nowrap}th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:Canvas}\
.numbers td{white-space:nowrap}.group td{padding-top:1rem;font-weight:bold;border-bottom:2px solid #8888}\
.texts td{text-align:start;white-space:pre-wrap;overflow-wrap:anywhere}.texts td.number{text-align:right}\
.texts th{text-align:left}.texts{width:100%}\
.note{opacity:.75}.verdict{border-left:.3rem solid #d55e00;padding-left:1rem;font-size:1.1rem}\
figure{margin:1rem 0}svg{max-width:100%;height:auto}";

const TRADE_OFF: &str = "α multiplies a generator's logits: above 1 its texts are sharper and less varied, which \
    alone makes them likelier and their BLEU higher. So points are compared at equal diversity: an adversary gained something only where the \
    curve of the generated texts lies beyond that of the generator that it began with. Dashed lines are controls \
    whose diversity no model measures.";

const LENGTH: &str = "A generator is trained on real beginnings but goes on from its own. If its mistakes add up, longer texts \
    are worse, and their scores move away from those of real text of the same length. A text is clean if no token of \
    it is less likely, to the oracle or else to 5-grams, than 999 in 1,000 tokens of real text are.";

impl TextEvaluationFile {
    /// Writes the report, of nothing but this evaluation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_report(&self, path: &Path) -> Result<(), EvalError> {
        let page = page(self).into_string();
        let written = write_atomically(path, |out| out.write_all(page.as_bytes()));
        written.map_err(|source| EvalError::Write {
            path: path.to_path_buf(),
            source,
        })
    }
}

fn page(file: &TextEvaluationFile) -> Markup {
    let subject = file.subject.path.display().to_string();
    let files = [("generated texts", file)];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Evaluation of " (subject) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Evaluation of " (subject) }
                (facts(file))
                @if let Some(verdict) = &file.verdict { p.verdict { (verdict.sentence) } }
                (scores(file))
                @for note in &file.notes { p.note { (note) } }
                (pictures("Quality against diversity", TRADE_OFF, &trade_off_plots(&files)))
                (pictures("Quality against length", LENGTH, &length_plots(&files)))
                (texts::examples(file))
                (reading())
            }
        }
    }
}

fn facts(file: &TextEvaluationFile) -> Markup {
    let data = &file.data;
    html! {
        p {
            (file.count) " texts"
            @if let Some(step) = file.subject.step { " of a generator after " (step) " steps" }
            @if let Some(step) = file.subject.pretrained_step {
                ", of which the first " (step) " were without an adversary"
            }
            ", against " (data.held_out.texts) " held-out texts of " (data.path.display().to_string())
            ", which has " (data.training.texts) " training texts of " (data.training.tokens)
            " tokens, " (data.vocabulary) " of them different."
            @if let Some(hash) = &data.tokenizer_sha256 { " Tokens: SHA-256 " code { (hash) } "." }
            @if let Some(hash) = &data.oracle_sha256 { " Oracle: SHA-256 " code { (hash) } "." }
            @if let Some(encoder) = &file.encoder {
                " Encoder: " (encoder.dimensions) " states of a language model of the training text"
                @if let Some(nll) = encoder.held_out_nll {
                    ", whose NLL of held-out text is " (figure(nll)) " nats a token"
                }
                ", SHA-256 " code { (encoder.sha256) } "."
            }
            " Distances are of " (file.distance_count) " texts and as many real ones, points of a curve of "
            (file.curve_count) ". Protocol " (file.protocol) "."
        }
    }
}

fn scores(file: &TextEvaluationFile) -> Markup {
    let mut group = None;
    let mut begins = |kind: TextScoreKind| {
        let begins = group != Some(kind.metric());
        group = Some(kind.metric());
        begins
    };
    html! {
        h2 { "Scores" }
        div.wide { table.numbers {
            tr {
                th { "score" } th { "value" }
                @for control in &file.controls { th { (heading(control)) } }
                th { "better" } th { "± is" }
            }
            @for score in &file.scores {
                @if begins(score.kind) {
                    tr.group { td { (question(score.kind.metric())) } td colspan=(file.controls.len() + 3) {} }
                }
                (row(file, *score))
            }
        } }
        p.note {
            "Controls show what a score means: held-out text is what a perfect generator gives, training text is \
             what copying looks like, and the others are each wrong in one way."
        }
        ul.note {
            @for control in &file.controls {
                @if let Some(note) = &control.note { li { (control.kind.label()) ": " (note) } }
            }
        }
    }
}

fn row(file: &TextEvaluationFile, score: TextScore) -> Markup {
    html! {
        tr {
            td { (score.kind.label()) }
            td { b { (with_uncertainty(score)) } }
            @for control in &file.controls {
                td {
                    @if let Some(score) = control.score(score.kind) {
                        (value(score))
                    }
                }
            }
            td { (better_word(score.kind.better())) }
            td.note { @if score.uncertainty.is_some() { (score.kind.uncertainty()) } }
        }
    }
}

/// The value alone; counts, which have no uncertainty, unrounded.
fn heading(control: &TextControl) -> Markup {
    html! {
        (control.kind.label())
        @if let Some(alpha) = control.alpha { br; "α = " (figure(alpha)) }
        br; "(" (control.count) ")"
    }
}

/// What a group of scores answers.
fn question(metric: TextMetric) -> &'static str {
    match metric {
        TextMetric::Bleu => "n-grams of real text",
        TextMetric::Likelihood => "likelihood",
        TextMetric::Reverse => "what can be learnt from the texts",
        TextMetric::Classifier => "can they be told from real text?",
        TextMetric::Hashed => "distances: n-grams",
        TextMetric::Encoder => "distances: states of a language model",
        TextMetric::Diversity => "diversity",
        TextMetric::Memorization => "memorized?",
        TextMetric::Form => "form",
    }
}

fn pictures(heading: &str, caption: &str, plots: &[Plot]) -> Markup {
    if plots.is_empty() {
        return html! {};
    }
    html! {
        h2 { (heading) }
        p { (caption) }
        @for plot in plots { figure { (PreEscaped(plot.svg())) } }
    }
}

fn reading() -> Markup {
    html! {
        h2 { "How to read this" }
        ul {
            li { "No score says anything by itself. One sentence over and over has a high BLEU, and random tokens are as varied as can be: look at the controls in the same row." }
            li { "BLEU is the share of n-grams that held-out text has, self-BLEU the share that the other generated texts have. Self-BLEU far above that of held-out text is collapse." }
            li { "NLL_gen is how well the generator predicts held-out text; a generator that is merely less varied gets a worse one. NLL_div is the same for its own texts." }
            li { "NLL_oracle below that of real text is not better than perfect, but too sharp." }
            li { "Fréchet and kernel distances depend on both quality and variety; precision is the share of texts that look real, recall the share of real texts that the generator covers." }
            li { "The new classifier is right half the time where it cannot tell the texts from real ones. The reverse model has learnt from the generated texts alone, and predicts real text badly where they lack something." }
            li { "Natural text repeats itself. More copies, longer runs and fewer new n-grams than held-out text has mean memorization." }
            li { "Compare only evaluations with the same tokens, data, encoder and number of texts; `compare` refuses the others." }
        }
    }
}

#[cfg(test)]
mod tests;
