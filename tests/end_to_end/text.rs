//! Text from end to end: as somebody with a file of lines does it, and as somebody who wants to break it.

use crate::support::program::{gan_cli, run, succeed, text};
use crate::support::runs::{assert_same, command, ended_with, signal, start};
use std::fs;
use std::path::Path;

/// 300 lines of five words each, all different.
fn lines(folder: &Path, name: &str) {
    let words = ["the", "cat", "dog", "sees", "a", "bird", "and", "sleeps"];
    let line = |k: usize| {
        let line: Vec<&str> = (0..5)
            .map(|place| words[(k >> (2 * place)) % 4 + place % 4])
            .collect();
        line.join(" ") + "."
    };
    let all: Vec<String> = (0..300).map(|k| line(k * 3)).collect();
    fs::write(folder.join(name), all.join("\n")).unwrap();
}

/// A generator small enough for a test.
const SMALL: &str = "--hidden 8 --embedding 4 --batch-size 16 --epochs 2";

#[test]
fn a_file_of_lines_is_trained_on_sampled_inspected_and_examined() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lines(folder, "mine.txt");
    let printed = succeed(folder, &format!("train --data mine.txt {SMALL}"));
    assert!(printed.contains("sample runs/mine-001"), "{printed}");
    let run = folder.join("runs/mine-001");
    for file in [
        "vocab.txt",
        "tokens.json",
        "generator.safetensors",
        "samples/000000.txt",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let twenty = succeed(folder, "sample runs/mine-001");
    assert_eq!(twenty.lines().count(), 20);
    let few = succeed(folder, "sample runs/mine-001 --count 3");
    assert!(twenty.starts_with(&few));
    let prompted = gan_cli(folder, &["sample", "runs/mine-001", "--prompt", "the cat"]);
    assert!(
        text(&prompted.stdout)
            .lines()
            .all(|line| line.starts_with("the cat"))
    );
    let json = succeed(
        folder,
        "sample runs/mine-001 --count 2 --format jsonl --out two.jsonl",
    );
    assert_eq!(json.trim(), "two.jsonl");
    for line in fs::read_to_string(folder.join("two.jsonl"))
        .unwrap()
        .lines()
    {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["text"].is_string());
    }
    assert!(succeed(folder, "inspect runs/mine-001").contains("checkpoint of text"));
    assert!(succeed(folder, "inspect runs/mine-001").contains("generator of text"));
    succeed(folder, "doctor runs/mine-001");
    succeed(folder, "train --resume runs/mine-001 --epochs 3");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lines(folder, "mine.txt");
    succeed(folder, &format!("train --data mine.txt {SMALL} --out run"));
    fs::create_dir(folder.join("texts")).unwrap();
    lines(folder, "texts/train.txt");
    for (line, part) in [
        (
            "train --data mine.txt --latent-dim 8",
            "--latent-dim is for images",
        ),
        ("train --data mnist --tokens word", "--tokens is for text"),
        (
            "train --recipe seqgan --data mine.txt --rollouts 0",
            "rollouts is 0",
        ),
        (
            "train --recipe mle --data mine.txt --reward constant",
            "reward",
        ),
        (
            "train --recipe relgan --data mine.txt --rollouts 3",
            "method relgan has no such key",
        ),
        (
            "train --recipe mle --data mine.txt --hidden 1000000000",
            "65536",
        ),
        (
            "train --recipe mle --data mine.txt --hidden 50000 --dry-run",
            "more values are allowed",
        ),
        ("train --recipe fast --data mine.txt", "this is text"),
        ("train --recipe mle --data nothing.txt", "nothing.txt"),
        (
            "train --recipe mle --data texts --out texts/run",
            "inside the data set",
        ),
        (
            "train --recipe mle --data mine.txt --oracle o.safetensors",
            "oracle",
        ),
        ("train --data oracle --tokens word", "synthetic"),
        ("sample run --grid 2x2", "--grid"),
        ("sample run --temperature 0", "temperature"),
        ("sample run --format png", "--format"),
        ("sample run --prompt zebra", "vocab.txt"),
        ("sample run --out some.png", "FILE.jsonl"),
        ("sample run --count 0", "count is 0"),
        ("evaluate run --tokens byte", "tokens of its own"),
        ("evaluate run --max-length 2", "leave out"),
        ("train --resume run --lr 0.5", "train.lr is 0.5"),
    ] {
        let output = run(folder, line);
        let message = ended_with(&output, 2);
        assert!(message.contains(part), "{line}: {message}");
    }
}

#[test]
fn hostile_files_are_refused_by_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = vec![b'x'; (1 << 20) + 1];
    for (name, bytes, part) in [
        ("empty.txt", &b""[..], "empty.txt"),
        ("blank.txt", b"\n\n  \n", "blank.txt"),
        ("latin.txt", b"good\nna\xefve\n", "line 2"),
        ("zero.txt", b"a\0b\nc\n", "zero.txt"),
        ("long.txt", &long, "long.txt"),
        (
            "field.jsonl",
            b"{\"text\": \"a b\"}\n{\"other\": 1}\n",
            "line 2",
        ),
        ("half.jsonl", b"{\"text\": \"\\ud800\"}\n", "line 1"),
        ("column.csv", b"a,b\n1,2\n", "text"),
        ("comma.csv", b"text,b\nHello, you,2\n", "line 2"),
        ("quote.csv", b"text\na\n\"b\nc\n", "line 3"),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
        let output = run(folder, &format!("train --recipe mle --data {name} {SMALL}"));
        let message = ended_with(&output, 2);
        assert!(message.contains(part), "{name}: {message}");
    }
    assert!(!folder.join("runs").exists());
    // One line is enough to train on, and nothing is held out.
    fs::write(folder.join("one.txt"), "only this line").unwrap();
    succeed(folder, &format!("train --data one.txt {SMALL} --out one"));
    assert_eq!(succeed(folder, "sample one --count 2").lines().count(), 2);
}

#[test]
fn a_run_of_text_that_is_killed_goes_on_to_the_same_bytes_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lines(folder, "mine.txt");
    let words = format!(
        "train --recipe seqgan --data mine.txt {SMALL} --adversarial-steps 6 --rollouts 2 \
         --discriminator-rounds 2 --checkpoint-every 3 --log-every 1 --sample-every 5 --out"
    );
    let arguments = |out: &str, threads: &str| -> Vec<String> {
        let all = words.split_whitespace().map(str::to_string);
        all.chain([out, "--threads", threads].map(str::to_string))
            .collect()
    };
    ended_with(
        &command(folder, &arguments("whole", "1")).output().unwrap(),
        0,
    );
    // In the middle of maximum likelihood, of the discriminator's rounds and of the adversarial steps.
    for (number, lines) in [20, 37, 42].into_iter().enumerate() {
        let out = format!("killed-{number}");
        let path = folder.join(&out);
        let mut child = start(&mut command(folder, &arguments(&out, "2")), &path, lines);
        signal(&child, "KILL");
        child.wait().unwrap();
        let resume = ["train", "--resume", &out, "--threads", "2"];
        ended_with(&command(folder, &resume).output().unwrap(), 0);
        assert_same(&path, &folder.join("whole"));
    }
}

#[test]
fn runs_of_text_are_evaluated_with_controls_and_compared_in_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lines(folder, "mine.txt");
    let more = "--adversarial-steps 2 --rollouts 2 --discriminator-rounds 1";
    for (out, reward) in [("a", "discriminator"), ("b", "constant")] {
        succeed(
            folder,
            &format!(
                "train --recipe seqgan --data mine.txt {SMALL} {more} --reward {reward} --out {out}"
            ),
        );
        let printed = succeed(folder, &format!("evaluate {out} --count 60"));
        for part in [
            "BLEU-5",
            "NLL_gen",
            "5-grams",
            "held-out text",
            "report.html",
        ] {
            assert!(printed.contains(part), "{part}: {printed}");
        }
        let report = fs::read_to_string(folder.join(out).join("report.html")).unwrap();
        assert!(report.contains("<svg"));
    }
    let printed = succeed(folder, "compare a b --out both");
    assert!(printed.contains("BLEU-5"), "{printed}");
    for name in ["both-trade-off.svg", "both-length.svg"] {
        let picture = fs::read_to_string(folder.join(name)).unwrap();
        assert!(picture.starts_with("<svg"), "{name}");
    }
    // Texts of any program are scored by the tokens of the data.
    fs::write(
        folder.join("others.txt"),
        "the cat sees.\nthe dog sleeps and sees.\n",
    )
    .unwrap();
    succeed(folder, "evaluate others.txt --data mine.txt");
    let scored = fs::read_to_string(folder.join("others.txt.evaluation.json")).unwrap();
    fs::write(
        folder.join("others.jsonl"),
        "{\"text\": \"the cat sees.\"}\n{\"text\": \"the dog sleeps and sees.\"}\n",
    )
    .unwrap();
    succeed(folder, "evaluate others.jsonl --data mine.txt");
    let again = fs::read_to_string(folder.join("others.jsonl.evaluation.json")).unwrap();
    assert_eq!(again.replace(".jsonl", ".txt"), scored);
    for (line, part) in [
        ("evaluate others.txt", "--data"),
        ("compare a b --out both.svg", "NAME-trade-off.svg"),
        ("evaluate a --stacked", "--stacked"),
        ("compare a others.txt.evaluation.json", "cannot be compared"),
    ] {
        let message = ended_with(&run(folder, line), 2);
        assert!(message.contains(part), "{line}: {message}");
    }
    lines(folder, "changed.txt");
    fs::write(folder.join("mine.txt"), "other texts\nthan these\n").unwrap();
    assert!(ended_with(&run(folder, "evaluate a"), 2).contains("SHA-256"));
}
