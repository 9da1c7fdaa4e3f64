//! What the command line calls the things that messages of the crates below name in backticks: keys of the
//! configuration, arguments of functions, other commands.

use crate::flags::{FLAGS, Flag};
use gan_core::shown_text;
use std::path::Path;

/// Arguments of the library's functions, and their flags.
const ARGUMENTS: [(&str, &str); 18] = [
    ("out", "--out"),
    ("replace", "--force"),
    ("allow_change", "--allow-change"),
    ("resume", "--resume"),
    ("model.sampling_deviation", "--deviation"),
    ("protocol.count", "--count"),
    ("protocol.features", "--features"),
    ("protocol.metrics", "--metrics"),
    ("protocol.seeds", "--seeds"),
    ("protocol.stacked", "--stacked"),
    ("sample.class", "--class"),
    ("sample.count", "--count"),
    ("sample.format", "--format"),
    ("sample.grid", "--grid"),
    ("sample.interpolate", "--interpolate"),
    ("sample.length", "--length"),
    ("sample.prompt", "--prompt"),
    ("sample.temperature", "--temperature"),
];

/// A message with this program's names: `` `train.lr` `` becomes `--lr`, `` `train.beta1 = 0.5` `` becomes
/// `--beta1 0.5`. Other words in backticks stay as they are.
pub(crate) fn spelled(text: &str) -> String {
    let mut parts = text.split('`');
    let mut spelled = parts.next().unwrap_or_default().to_string();
    let rest: Vec<&str> = parts.collect();
    for pair in rest.chunks(2) {
        match pair {
            [inside, outside] => spelled += &format!("{}{outside}", word(inside)),
            [unclosed] => spelled += &format!("`{unclosed}"),
            _ => {}
        }
    }
    spelled
}

fn word(inside: &str) -> String {
    let (key, value) = match inside.split_once(" = ") {
        Some((key, value)) => (key, format!(" {value}")),
        None => (inside, String::new()),
    };
    let argument = ARGUMENTS.iter().find(|(name, _)| *name == key);
    let flag = argument.map(|(_, flag)| (*flag).to_string());
    let flag = flag.or_else(|| {
        let is_of = |[_, images, text, ..]: &&Flag| [*images, *text].contains(&key);
        let [name, ..] = FLAGS.iter().find(is_of)?;
        // `device` alone is also the name of a key in the messages of the TOML reader.
        (key.contains('.') || !value.is_empty()).then(|| format!("--{name}"))
    });
    match (flag, inside) {
        (Some(flag), _) => flag + &value,
        (None, "feature cuda") => {
            "`cargo run --release -p gan-cli --features cuda -- …` (`cargo xtask cuda check` says what \
             that needs)"
                .to_string()
        }
        (None, "train_classifier") => format!("`{} train-classifier`", program()),
        (None, "fetch mnist") => "`cargo xtask fetch-mnist`".to_string(),
        (None, _) => match inside.strip_prefix("fetch ") {
            Some(name) => format!("`cargo xtask fetch {name}`"),
            None => format!("`{inside}`"),
        },
    }
}

/// How this program is called here, for hints on what to type next.
pub(crate) fn program() -> &'static str {
    // cargo sets it for programs that `cargo run` starts.
    if std::env::var_os("CARGO").is_some() {
        "cargo run -p gan-cli --"
    } else {
        "gan-cli"
    }
}

/// A path as it is typed to a shell: quoted where it must be, with `./` before a hyphen.
pub(crate) fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let text = match path.to_str() {
        Some(text) if text.starts_with('-') => format!("./{text}"),
        Some(text) => text.to_string(),
        None => return ansi_quoted(bytes),
    };
    match shlex::try_quote(&text) {
        Ok(quoted) if shown_text(&text) == text => quoted.into_owned(),
        _ => ansi_quoted(bytes),
    }
}

/// As `$'a\nb'`, which bash, zsh and ksh read, for names that have no other printable form.
fn ansi_quoted(bytes: &[u8]) -> String {
    let mut text = "$'".to_string();
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => text += &format!("\\x{byte:02x}"),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_as_a_shell_reads_them() {
        for (name, expected) in [
            ("runs/a-001", "runs/a-001"),
            ("my run", "'my run'"),
            ("-x", "./-x"),
            ("a\nb'c\u{1b}", "$'a\\x0ab\\'c\\x1b'"),
        ] {
            assert_eq!(quoted(Path::new(name)), expected);
        }
    }

    #[test]
    fn keys_become_flags_and_other_words_stay() {
        for (text, expected) in [
            (
                "choose another `train.batch_size`",
                "choose another --batch-size",
            ),
            ("give `device = cpu` or `out`", "give --device cpu or --out"),
            (
                "expected one of `device`, `data`",
                "expected one of `device`, `data`",
            ),
            ("run `ls` in a`b", "run `ls` in a`b"),
        ] {
            assert_eq!(spelled(text), expected);
        }
    }
}
