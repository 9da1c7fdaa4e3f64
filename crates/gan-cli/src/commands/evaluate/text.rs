//! `gan-cli evaluate` of a run, a generator or a file of text.

use super::EvaluateArguments;
use crate::commands::Done;
use crate::console::Console;
use gan_eval::{EvalError, TextProtocol, evaluate_text, text_score_table};
use gan_run::{RunError, ScoredTexts, TextDataConfig, evaluation_places};

pub(super) fn run(arguments: &EvaluateArguments, console: &Console) -> Done {
    let of_images = [
        ("features", arguments.features.is_some()),
        ("metrics", !arguments.metrics.is_empty()),
        ("stacked", arguments.stacked),
        ("seeds", arguments.seeds != 1),
    ];
    if let Some((name, _)) = of_images.iter().find(|(_, is_set)| *is_set) {
        let text = format!("--{name} is for images, and this is of text; leave it out");
        return Err(RunError::Refused(text).into());
    }
    let (json, html) = evaluation_places(&arguments.subject, arguments.out.as_deref())?;
    let scored = ScoredTexts::open(&arguments.subject)?;
    let named = arguments.data.data().is_some();
    if scored.data.is_none() && !named {
        let text = "the texts to compare with are not known; give them as --data";
        return Err(RunError::Refused(format!("{}: {text}", arguments.subject.display())).into());
    }
    let data = scored.data.clone().unwrap_or_default();
    let data: TextDataConfig = arguments.data.over_texts(data)?;
    let (subject, data) = scored.with_data(&data, named)?;
    let protocol = TextProtocol {
        count: arguments.count.map(|count| count as usize),
    };
    let bar = console.parts("scores");
    let file = evaluate_text(&subject, &data, &protocol, &mut |event| bar.follow(event));
    bar.finish_and_clear();
    let file = file?;
    let written = file.write(&json);
    for line in text_score_table(&file) {
        console.result(line);
    }
    if let Some(verdict) = &file.verdict {
        console.result_sentence(&verdict.sentence);
    }
    for note in &file.notes {
        console.sentence(note);
    }
    written?;
    console.result(json.display().to_string());
    file.write_report(&html)
        .map_err(|error| EvalError::without_report(&json, error))?;
    console.result(html.display().to_string());
    Ok(())
}
