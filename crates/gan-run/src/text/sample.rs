//! Texts from the generator of a run or a file.

use crate::result_place::check_file;
use crate::{RunError, RunFolder};
use gan_core::{Purpose, Range, Seed, check_ranges};
use gan_ops::TokenBatch;
use gan_text::{MOST_LENGTH, TextGeneratorFile, Tokenizer, UNKNOWN, until_end, written};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Texts that are drawn at once.
const BLOCK: u64 = 4096;

/// Beyond these, single precision has no numbers for some probabilities.
const TEMPERATURES: RangeInclusive<f64> = 0.001..=1000.0;

/// How texts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextFormat {
    /// A text a line.
    #[default]
    Txt,
    /// An object a line, with the text's number and the text.
    Jsonl,
}

/// Which texts to draw.
#[derive(Clone, Debug)]
pub struct TextSample {
    /// Texts 0 to this, exclusively.
    pub count: u64,
    /// From 0.001 to 1,000; below 1 texts are more typical and less diverse.
    pub temperature: f64,
    /// The most tokens of a text, its prompt included; none: as many as the longest training text has, and at least one
    /// more than the prompt.
    pub length: Option<usize>,
    /// What every text begins with.
    pub prompt: Option<String>,
    /// How they are written; none: as the name of `out` says, else a text a line.
    pub format: Option<TextFormat>,
    /// It and a text's number determine the text.
    pub seed: Seed,
    /// The file that they go to, besides being returned.
    pub out: Option<PathBuf>,
    /// Whether an existing file is replaced.
    pub replace: bool,
}

/// A generator with what its ids stand for.
struct Source {
    file: TextGeneratorFile,
    tokenizer: Option<Tokenizer>,
}

impl TextSample {
    /// Draws from the generator of the run, or in the file, at `path`, and passes on each text as it is written, as a
    /// line without its end. With `out`, lines go to the file too, which is whole or not there.
    ///
    /// # Errors
    /// When a value is out of its range or does not fit the generator, or the place cannot be written.
    pub fn draw(
        &self,
        path: &Path,
        each: &mut dyn FnMut(&str) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        self.check()?;
        let format = self.format()?;
        let source = Source::open(path)?;
        let Some(out) = &self.out else {
            return self.lines(&source, format, each);
        };
        check_file(out, self.replace)?;
        let mut failed = None;
        let written = gan_core::write_atomically(out, |file| {
            let mut each = |line: &str| {
                writeln!(file, "{line}").map_err(RunError::io(out, "written"))?;
                each(line)
            };
            self.lines(&source, format, &mut each).map_err(|error| {
                failed = Some(error);
                std::io::Error::other("no texts")
            })
        });
        match failed {
            Some(error) => Err(error),
            None => written.map_err(RunError::io(out, "written")),
        }
    }

    fn check(&self) -> Result<(), RunError> {
        let temperature = self.temperature;
        if !TEMPERATURES.contains(&temperature) {
            let (least, most) = (TEMPERATURES.start(), TEMPERATURES.end());
            let text = format!(
                "`sample.temperature` is {temperature}, expected a number from {least} to {most}, such as 0.8"
            );
            return Err(RunError::Refused(text));
        }
        let length = self.length.map(|length| length as u64).into();
        check_ranges(&[
            ("`sample.count`", self.count.into(), Range::AtLeastOne),
            ("`sample.length`", length, Range::OneTo(MOST_LENGTH as u64)),
        ])?;
        Ok(())
    }

    /// The format that was asked for, or that of the file's name, which must not contradict it.
    fn format(&self) -> Result<TextFormat, RunError> {
        let Some(out) = &self.out else {
            return Ok(self.format.unwrap_or_default());
        };
        let ending = out.extension().unwrap_or_default().to_string_lossy();
        let named = match ending.to_ascii_lowercase().as_str() {
            "txt" => Some(TextFormat::Txt),
            "jsonl" => Some(TextFormat::Jsonl),
            _ => None,
        };
        match named.filter(|named| self.format.is_none_or(|format| format == *named)) {
            Some(format) => Ok(format),
            None => Err(RunError::refused(
                out,
                "the name does not fit the texts, expected FILE.txt for a text a line or FILE.jsonl for an object a \
                 line",
            )),
        }
    }

    fn lines(
        &self,
        source: &Source,
        format: TextFormat,
        each: &mut dyn FnMut(&str) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let header = &source.file.header;
        let prompt = source.prompt(self.prompt.as_deref())?;
        let steps = self.length.unwrap_or(header.steps.max(prompt.len() + 1));
        if prompt.len() > steps {
            return Err(RunError::Refused(format!(
                "`sample.prompt` has {} tokens, expected at most `sample.length = {steps}`",
                prompt.len()
            )));
        }
        let mut first = 0;
        while first < self.count {
            let count = BLOCK.min(self.count - first) as usize;
            let prefixes = prompt.repeat(count);
            let prefixes = (!prompt.is_empty()).then(|| TokenBatch::new(&prefixes, prompt.len()));
            let request = gan_ops::Generation {
                count,
                steps,
                prefixes: prefixes.transpose()?,
                alpha: 1.0 / self.temperature,
                never: &header.never,
                end: header.end,
            };
            let stream = |k: usize| self.seed.rng(Purpose::Sample, first + k as u64);
            let tokens = source.file.generator.generate(&request, &stream)?;
            for (number, tokens) in (first..).zip(tokens.chunks(steps)) {
                let text = written(source.tokenizer.as_ref(), until_end(tokens, header.end));
                match format {
                    TextFormat::Txt => each(&text)?,
                    TextFormat::Jsonl => {
                        each(&serde_json::json!({"number": number, "text": text}).to_string())?;
                    }
                }
            }
            first += count as u64;
        }
        Ok(())
    }
}

impl Source {
    fn open(path: &Path) -> Result<Self, RunError> {
        let file = match path.is_dir() {
            true => RunFolder::open(path).generator(),
            false => path.to_path_buf(),
        };
        let (read, tokenizer) = read_generator(&file)?;
        Ok(Self {
            file: read,
            tokenizer,
        })
    }

    fn prompt(&self, text: Option<&str>) -> Result<Vec<u32>, RunError> {
        let Some(text) = text else {
            return Ok(Vec::new());
        };
        let Some(tokenizer) = &self.tokenizer else {
            let text = "`sample.prompt` is set, but the benchmark's tokens stand for no text; leave it out";
            return Err(RunError::Refused(text.to_string()));
        };
        let ids = tokenizer.encode_beginning(text);
        if ids.contains(&UNKNOWN) {
            return Err(RunError::Refused(format!(
                "`sample.prompt` is {text:?}, which has tokens that the generator does not know (\u{fffd} in {:?}); \
                 expected those of the run's vocab.txt",
                tokenizer.decode(&ids)
            )));
        }
        Ok(ids)
    }
}

/// A generator's file, and what its ids stand for: the vocabulary of the run that the file lies in.
///
/// # Errors
/// When the file is damaged, or the vocabulary is missing or another.
pub(crate) fn read_generator(
    file: &Path,
) -> Result<(TextGeneratorFile, Option<Tokenizer>), RunError> {
    let read = TextGeneratorFile::read(file)?;
    let Some(expected) = &read.header.tokenizer_sha256 else {
        return Ok((read, None));
    };
    let folders = file.ancestors().skip(1).take(2);
    let mut folders = folders.filter(|folder| folder.join("tokens.json").exists());
    let Some(folder) = folders.next() else {
        let text = "its vocabulary, tokens.json, is not beside it; leave the file in the folder of its run";
        return Err(RunError::refused(file, text));
    };
    let tokenizer = Tokenizer::load(folder)?;
    let found = tokenizer.hash();
    if found != *expected {
        return Err(RunError::refused(
            folder,
            format!(
                "holds a vocabulary with SHA-256 {found}, expected {expected}, that of {}",
                file.display()
            ),
        ));
    }
    Ok((read, Some(tokenizer)))
}
