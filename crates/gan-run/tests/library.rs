//! The library alone does the whole job: the examples, as a program that has no command line.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../tests/support/idx.rs"]
mod idx;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/own_network.rs"]
mod own_network;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../examples/whole_run.rs"]
mod whole_run;

use gan_core::Weights;
use gan_data::Parts;
use gan_eval::EvaluationFile;
use gan_metrics::ScoreKind;
use gan_models::KnownNetworks;
use gan_run::sample::Sample;
use gan_run::{
    Ended, Event, NewRun, Plan, Recipe, RunConfig, RunError, RunFolder, SavedRun, Session,
    StopToken, inspect, open_subject,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// 400 pictures of 8 by 8 pixels with ten labels, in MNIST's layout.
fn write_pictures(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let pixel = |image: u32, place: u32| (image * 37 + place * (image % 7 + 3)) as u8;
    let pixels = (0..400).flat_map(|image| (0..64).map(move |place| pixel(image, place)));
    let labels = (0..400_u32).map(|image| (image % 10) as u8);
    for (name, bytes) in [
        (
            "train-images-idx3-ubyte",
            idx::idx(&[400, 8, 8], pixels.collect::<Vec<u8>>()),
        ),
        (
            "train-labels-idx1-ubyte",
            idx::idx(&[400], labels.collect::<Vec<u8>>()),
        ),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The files of a run that do not depend on a clock.
fn files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for folder in ["", "samples", "checkpoints"] {
        for entry in fs::read_dir(run.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            let other = ["timing.jsonl", "evaluation.json"].contains(&name.as_str());
            if path.is_file() && !other && !name.starts_with("sample-") {
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// The tutorial's configuration for `steps` steps with the pictures in `data`.
fn tutorial(data: &Path, steps: u64) -> RunConfig {
    let mut config: RunConfig = Recipe::named("tutorial").unwrap().config().unwrap();
    config.data.path = data.to_path_buf();
    config.train.steps = Some(steps);
    config
}

fn plan(config: RunConfig) -> Plan {
    Plan::new(config, Parts::Training, &mut |_: Event<'_>| {}).unwrap()
}

#[test]
fn the_library_trains_stops_resumes_draws_scores_and_examines() {
    let folder = tempfile::tempdir().unwrap();
    let (data, stopped) = (
        folder.path().join("pictures"),
        folder.path().join("stopped"),
    );
    write_pictures(&data);
    whole_run::run("tutorial", &data, &stopped, 30).unwrap();

    let config = tutorial(&data, 30);
    let mut steps = 0;
    let mut count = |event: Event<'_>| steps += u64::from(matches!(event, Event::Step { .. }));
    let plan = Plan::new(config, Parts::Training, &mut count).unwrap();
    let whole = folder.path().join("whole");
    let session = Session::create(plan, &NewRun::Given(whole.clone()), false, &mut count);
    let ended = session.unwrap().train(&StopToken::default(), &mut count);
    assert!(matches!(ended, Ok(Ended::Complete(_))), "{ended:?}");
    assert_eq!(steps, 30);
    // Where no interval is set, the checkpoint of the stop is one of the two that are kept.
    let mut found = files(&stopped);
    found
        .remove("checkpoints/step-00000015.safetensors")
        .unwrap();
    let expected = files(&whole);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{name}");
    }

    let evaluation = EvaluationFile::read(&RunFolder::open(&stopped).evaluation()).unwrap();
    assert!(evaluation.score(ScoreKind::FrechetDistance).is_some());
    assert!(evaluation.controls.len() >= 3);
}

#[test]
fn an_architecture_of_the_programs_own_gets_the_same_services_and_its_graph_is_enough_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("own");
    own_network::run(&run, 20).unwrap();
    let log = RunFolder::open(&run).read_metrics().unwrap();
    assert_eq!(log.last().unwrap().step, 39);

    open_subject(&run, true, &KnownNetworks).unwrap();
    let again = Sample {
        out: Some(folder.path().join("again.png")),
        ..Sample::default()
    };
    again.draw(&run, &KnownNetworks, &mut |_, _| {}).unwrap();
    let pictures = [
        run.join("sample-5x5-step-40-seed-0.png"),
        folder.path().join("again.png"),
    ];
    let [own, others] = pictures.map(|path| fs::read(path).unwrap());
    assert!(own == others);
    let inspected = inspect(&run).unwrap();
    for part in [
        "engine 1) of own networks",
        "leaky ReLU 0.2  [64, 1, 1]",
        "discriminator: 4,225 parameters",
        "unflatten       [1, 8, 8]",
    ] {
        assert!(inspected.contains(part), "`{part}`: {inspected}");
    }
}

/// A generator that is not made of a graph, as it is saved by its program.
#[test]
fn a_foreign_generator_without_a_graph_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("own");
    own_network::run(&run, 2).unwrap();
    let path = RunFolder::open(&run).generator();
    let mut weights = Weights::read(&path).unwrap();
    let mut header: serde_json::Value = serde_json::from_str(&weights.metadata).unwrap();
    header.as_object_mut().unwrap().remove("graph").unwrap();
    weights.metadata = header.to_string();
    weights.write_with_checksum(&path).unwrap();
    let refused = open_subject(&run, false, &KnownNetworks);
    let drawn = Sample::default().draw(&run, &KnownNetworks, &mut |_, _| {});
    for error in [
        refused.err().unwrap().to_string(),
        drawn.err().unwrap().to_string(),
    ] {
        assert!(
            error.contains("model.architecture is own") && error.contains("two-layers"),
            "{error}"
        );
    }
    // Its operations are not known, its tensors are.
    let inspected = inspect(&path).unwrap();
    assert!(
        inspected.contains("first.weight") && !inspected.contains("MFLOP"),
        "{inspected}"
    );
}

/// As version 0.1.0 saved it: without its engine and the networks' graphs.
#[test]
fn a_run_of_an_earlier_engine_goes_on_and_says_that_its_numbers_differ() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("pictures"), folder.path().join("run"));
    write_pictures(&data);
    let mut nobody = |_: Event<'_>| {};
    let place = NewRun::Given(run.clone());
    let session = Session::create(plan(tutorial(&data, 2)), &place, false, &mut nobody).unwrap();
    session.train(&StopToken::default(), &mut nobody).unwrap();
    let newest = || {
        RunFolder::open(&run)
            .checkpoints()
            .newest()
            .unwrap()
            .unwrap()
    };
    let resumed = |steps| {
        let saved = SavedRun::open(&run).unwrap();
        let mut notes = Vec::new();
        let mut listen = |event: Event<'_>| {
            if let Event::Note(note) = event {
                notes.push(note.to_string());
            }
        };
        let agreed = saved.agreed(plan(tutorial(&data, steps)), false).unwrap();
        let session = Session::resume(agreed, &mut listen);
        session
            .unwrap()
            .train(&StopToken::default(), &mut listen)
            .unwrap();
        notes
    };
    assert!(resumed(3).is_empty());

    let inspected = inspect(&run).unwrap();
    let mut weights = Weights::read(&newest()).unwrap();
    let mut header: serde_json::Value = serde_json::from_str(&weights.metadata).unwrap();
    for key in ["engine", "generator", "discriminator"] {
        header.as_object_mut().unwrap().remove(key).unwrap();
    }
    weights.metadata = header.to_string();
    weights.write_with_checksum(&newest()).unwrap();
    // The networks are those of the configuration.
    let expected = inspected.replace("engine 1", "engine 0");
    assert_eq!(inspect(&run).unwrap(), expected);
    assert!(expected.lines().all(|line| line.len() <= 100), "{expected}");

    assert!(resumed(3).is_empty(), "nothing is left to do");
    let notes = resumed(4);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].starts_with("After step 3 numbers differ in their last digits"),
        "{notes:?}"
    );
    assert!(resumed(5).is_empty());
}

#[test]
fn a_run_says_by_type_why_it_cannot_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("pictures"), folder.path().join("run"));
    write_pictures(&data);
    let config = tutorial(&data, 2);
    let mut nobody = |_: Event<'_>| {};
    let place = NewRun::Given(run.clone());
    let session = Session::create(plan(config.clone()), &place, false, &mut nobody).unwrap();
    assert!(matches!(
        SavedRun::open(&run).err(),
        Some(RunError::Locked { .. })
    ));
    session.train(&StopToken::default(), &mut nobody).unwrap();
    let again = Session::create(plan(config), &place, false, &mut nobody);
    assert!(matches!(again.err(), Some(RunError::Occupied { .. })));
    assert!(matches!(
        SavedRun::open(&data).err(),
        Some(RunError::NotARun { .. })
    ));
    let saved = SavedRun::open(&run).unwrap();
    let mut other = saved.config.clone();
    other.train.lr = 0.1;
    match saved.agreed(plan(other), false).err() {
        Some(RunError::Changed { changes, .. }) => assert_eq!(changes.len(), 1),
        other => panic!("{other:?}"),
    }
}
