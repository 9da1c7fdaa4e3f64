//! Folders in MNIST's layout: what is read, and what is refused with which words.

use crate::support::{
    assert_says, folder, gzip, idx, pixels, read, three_images, three_labels, tiny, train,
};
use gan_data::{Channels, Division, Parts, ReadOptions, open};

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

#[test]
fn plain_and_gzip_give_the_same_data_under_every_naming() {
    for [images, labels] in [
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
        ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte"],
        [
            "emnist-letters-train-images-idx3-ubyte.gz",
            "emnist-letters-train-labels-idx1-ubyte.gz",
        ],
    ] {
        for packed in [false, true] {
            // The packing is known by the bytes, whatever the name says.
            let pack = |bytes: Vec<u8>| if packed { gzip(&bytes) } else { bytes };
            let (pixels, classes) = (pack(three_images()), pack(three_labels()));
            let above = folder(&[(images, &pixels), (labels, &classes)]);
            let data = train(&above).unwrap();
            let shape = data.shape();
            assert_eq!((shape.channels, shape.height, shape.width), (1, 2, 3));
            assert_eq!(data.image(1).unwrap(), [6, 7, 8, 9, 10, 11]);
            assert_eq!(data.labels().unwrap(), [2, 0, 2]);
            assert_eq!(data.class_count(), 3);
        }
    }
}

#[test]
fn each_split_has_its_own_files() {
    let other = idx(0x803, &[1, 2, 3], &[9; 6]);
    for test_name in ["t10k-images-idx3-ubyte", "x-test-images-idx3-ubyte"] {
        let above = folder(&[(IMAGES, &three_images()), (test_name, &other)]);
        let splits = read(&tiny(&above)).unwrap();
        assert_eq!(splits.training.len(), 3);
        assert_eq!(pixels(&splits.held_out.unwrap()), [9; 6]);
        assert_eq!(splits.division, Division::Published);
        let summary = splits.reading.summary;
        assert!(summary.contains("4 images [1, 2, 3]"), "{summary}");
        assert!(summary.contains(test_name), "{summary}");
    }
}

/// The test file is damaged, which nobody sees who does not read it.
#[test]
fn a_test_split_that_is_not_asked_for_is_not_read() {
    let above = folder(&[
        (IMAGES, &three_images()),
        ("t10k-images-idx3-ubyte", b"damaged"),
    ]);
    assert!(read(&tiny(&above)).is_err());
    let splits = open(&tiny(&above), &ReadOptions::default(), Parts::Training).unwrap();
    assert_eq!(splits.division, Division::Published);
    assert!(splits.held_out.is_none());
}

#[test]
fn a_share_of_a_set_with_a_test_split_is_kept_apart_to_choose_by() {
    // Each of 40 images twice.
    let values: Vec<u8> = (0..40).chain(0..40).collect();
    let images = idx(0x803, &[80, 1, 1], &values);
    let above = folder(&[(IMAGES, &images), ("t10k-images-idx3-ubyte", &images)]);
    let read = |share, parts| {
        let options = ReadOptions::new(Channels::Auto, None, share).unwrap();
        open(&tiny(&above), &options, parts).unwrap()
    };
    let whole = read(None, Parts::All);
    assert!(whole.validation.is_none() && read(Some(0.0), Parts::All).validation.is_none());
    for parts in [Parts::All, Parts::Training] {
        let splits = read(Some(0.3), parts);
        assert_eq!(splits.division, Division::Published);
        assert_eq!(splits.held_out.is_some(), parts == Parts::All);
        let validation = splits.validation.unwrap();
        assert_eq!(validation.published_sha256, whole.training.sha256());
        let (mut apart, trained) = (pixels(&validation.images), pixels(&splits.training));
        assert!(apart.len() >= 4 && trained.iter().all(|pixel| !apart.contains(pixel)));
        let words = format!("{} to choose by", apart.len());
        assert!(splits.reading.summary.contains(&words));
        apart.extend(trained);
        apart.sort_unstable();
        assert_eq!(apart, (0..40).flat_map(|k| [k, k]).collect::<Vec<_>>());
    }
    let undivided = read(Some(0.3), Parts::Undivided);
    assert!(undivided.validation.is_none() && undivided.training.len() == 80);
}

#[test]
fn too_few_images_to_keep_some_apart_are_refused() {
    let above = folder(&[
        (IMAGES, &three_images()),
        ("t10k-images-idx3-ubyte", &three_images()),
    ]);
    let options = ReadOptions::new(Channels::Auto, None, Some(0.2)).unwrap();
    assert_says(
        open(&tiny(&above), &options, Parts::All),
        &["`data.held_out`: 0.2", "fewer than 20 images"],
    );
}

#[test]
fn without_a_test_split_equal_images_stand_on_one_side() {
    // Each of 40 images twice.
    let values: Vec<u8> = (0..40).chain(0..40).collect();
    let above = folder(&[(IMAGES, &idx(0x803, &[80, 1, 1], &values))]);
    let splits = read(&tiny(&above)).unwrap();
    assert_eq!(splits.division, Division::ByContent { share: 0.1 });
    let mut held_out = pixels(&splits.held_out.unwrap());
    assert_eq!(held_out.len() % 2, 0);
    let half = held_out.split_off(held_out.len() / 2);
    assert_eq!(held_out, half);
    let training = pixels(&splits.training);
    assert_eq!(training.len() + 2 * half.len(), 80);
    assert!(half.iter().all(|value| !training.contains(value)));
}

#[test]
fn two_test_files_are_refused_and_not_overlooked() {
    let packed = gzip(&three_images());
    let above = folder(&[
        (IMAGES, &three_images()),
        ("t10k-images-idx3-ubyte", &three_images()),
        ("t10k-images-idx3-ubyte.gz", &packed),
    ]);
    for parts in [Parts::All, Parts::Training] {
        assert_says(
            open(&tiny(&above), &ReadOptions::default(), parts),
            &[
                "t10k-images-idx3-ubyte and t10k-images-idx3-ubyte.gz",
                "keep one",
            ],
        );
    }
}

#[test]
fn a_file_beside_them_names_the_classes() {
    let with = |names: &[u8]| {
        folder(&[
            (IMAGES, &three_images()),
            (LABELS, &three_labels()),
            ("notes.md", b""),
            ("classes.txt", names),
        ])
    };
    let splits = read(&tiny(&with(b"shirt\nshoe\nbag\nhat\n"))).unwrap();
    assert_eq!(splits.training.class_name(2), "bag");
    assert_eq!(splits.training.class_count(), 4);
    let classes = splits.reading.classes.unwrap();
    assert_eq!(classes, "0 shirt 1, 1 shoe 0, 2 bag 2, 3 hat 0");
    let summary = splits.reading.summary;
    assert!(summary.contains("1 file skipped (1 .md)"), "{summary}");
    assert_says(
        train(&with(b"shirt\nshoe\n")),
        &["classes.txt: ", "line 2", "3 classes"],
    );
    assert_says(
        train(&with(b"a\nb\nb\n")),
        &["line 3", "the same as line 2"],
    );
    assert_says(train(&with(&[0xff; 9])), &["classes.txt: ", "UTF-8"]);
}

#[test]
fn a_test_split_has_the_classes_of_the_training_images() {
    let with = |labels: &[u8]| {
        folder(&[
            (IMAGES, &three_images()),
            (LABELS, &three_labels()),
            ("t10k-images-idx3-ubyte", &three_images()),
            ("t10k-labels-idx1-ubyte", &idx(0x801, &[3], labels)),
        ])
    };
    let splits = read(&tiny(&with(&[0, 0, 1]))).unwrap();
    assert_eq!(splits.held_out.unwrap().class_count(), 3);
    assert_eq!(splits.reading.classes.unwrap(), "0: 3, 1: 1, 2: 2");
    assert_says(
        read(&tiny(&with(&[0, 3, 0]))),
        &["label 3", "labels below 3"],
    );
}

#[test]
fn images_need_no_labels() {
    let above = folder(&[
        (IMAGES, &three_images()),
        ("other-train-labels-idx1-ubyte", &[]),
    ]);
    let data = train(&above).unwrap();
    assert_eq!(data.labels(), None);
    assert_eq!(data.class_count(), 0);
}

#[test]
fn test_images_alone_are_refused() {
    let above = folder(&[("t10k-images-idx3-ubyte", &three_images())]);
    assert_says(
        read(&tiny(&above)),
        &[
            "tiny: ",
            "no images to train on beside t10k-images-idx3-ubyte",
            "check the path",
        ],
    );
}

#[test]
fn two_files_for_one_part_are_refused() {
    for (first, second) in [
        (IMAGES, "train-images-idx3-ubyte.gz"),
        ("a-train-images-idx3-ubyte", "b-train-images-idx3-ubyte"),
    ] {
        let above = folder(&[(first, &three_images()), (second, &three_images())]);
        assert_says(train(&above), &[first, second, "keep one"]);
    }
    let packed = format!("{LABELS}.gz");
    let labels = three_labels();
    let above = folder(&[
        (IMAGES, &three_images()),
        (LABELS, &labels),
        (&packed, &labels),
    ]);
    assert_says(train(&above), &[LABELS, &packed, "keep one"]);
}

#[test]
fn another_magic_is_named_with_the_expected_one() {
    let above = folder(&[(IMAGES, &three_labels())]);
    let parts = [
        "tiny/train-images-idx3-ubyte: idx magic is 0x00000801, expected 0x00000803 (an image file); ",
    ];
    assert_says(train(&above), &parts);
    let above = folder(&[(IMAGES, &three_images()), (LABELS, &gzip(&three_images()))]);
    assert_says(
        train(&above),
        &[LABELS, "0x00000803", "0x00000801 (a label file)"],
    );
}

#[test]
fn the_advice_for_mnist_is_to_fetch_it() {
    let above = tempfile::tempdir().unwrap();
    let mnist = above.path().join("mnist");
    assert_says(read(&mnist), &["fetch the data set (`fetch mnist`)"]);
    std::fs::create_dir(&mnist).unwrap();
    assert_says(read(&mnist), &["fetch the data set (`fetch mnist`)"]);
    std::fs::write(mnist.join(IMAGES), three_labels()).unwrap();
    assert_says(read(&mnist), &["again (`fetch mnist` with `replace`)"]);
}

#[test]
fn a_header_that_promises_more_than_the_file_is_refused_before_allocation() {
    // 2^96 bytes, 2^64, and 2^32 - 1 labels: no machine could allocate the first two.
    let most = u32::MAX;
    for sizes in [[most, most, most], [most, 1 << 16, 1 << 16]] {
        let bytes = idx(0x803, &sizes, &[0; 100]);
        let above = folder(&[(IMAGES, &bytes)]);
        assert_says(
            train(&above),
            &["says [4294967295, ", "the file's 116 bytes"],
        );
        let above = folder(&[(IMAGES, &gzip(&bytes))]);
        assert_says(
            train(&above),
            &["says [4294967295, ", "so short a gzip file"],
        );
    }
    let labels = idx(0x801, &[most], &[0; 3]);
    let above = folder(&[(IMAGES, &three_images()), (LABELS, &labels)]);
    assert_says(
        train(&above),
        &[LABELS, "says [4294967295]", "the file's 11 bytes"],
    );
}

#[test]
fn the_densest_gzip_is_not_refused() {
    // A million zeros come close to deflate's limit of 1032 : 1.
    let bytes = idx(0x803, &[1, 2000, 2000], &vec![0; 4_000_000]);
    let packed = gzip(&bytes);
    assert!(packed.len() < bytes.len() / 1000, "{}", packed.len());
    let above = folder(&[(IMAGES, &packed)]);
    assert_eq!(pixels(&train(&above).unwrap()).len(), 4_000_000);
}

#[test]
fn a_gzip_file_of_more_than_is_sensible_is_refused() {
    // 80,000,000 zeros in 80,000 bytes; 64 MiB and 64 bytes a byte are allowed.
    let bytes = idx(0x803, &[20, 2000, 2000], &vec![0; 80_000_000]);
    assert_says(
        train(&folder(&[(IMAGES, &gzip(&bytes))])),
        &["says [20, 2000, 2000]", "gunzip"],
    );
}

#[test]
fn empty_data_is_refused() {
    for sizes in [[0, 28, 28], [3, 0, 28], [3, 28, 0]] {
        let above = folder(&[(IMAGES, &idx(0x803, &sizes, &[]))]);
        assert_says(train(&above), &[&format!("says {sizes:?}"), "at least 1"]);
    }
    let above = folder(&[(IMAGES, &[])]);
    assert_says(train(&above), &[IMAGES, "truncated"]);
}

#[test]
fn bytes_after_the_last_value_are_refused() {
    let mut long = three_images();
    long.push(0);
    let above = folder(&[(IMAGES, &long)]);
    assert_says(
        train(&above),
        &["34 bytes with the header", "the file's 35 bytes"],
    );
    let above = folder(&[(IMAGES, &gzip(&long))]);
    assert_says(train(&above), &["continues", "the 18 values"]);
    let mut after_gzip = gzip(&three_images());
    after_gzip.push(0);
    let above = folder(&[(IMAGES, &after_gzip)]);
    assert_says(train(&above), &[IMAGES, "expected a complete"]);
}

#[test]
fn a_gzip_file_of_several_members_is_read_through() {
    let bytes = three_images();
    let members = [gzip(&bytes[..10]), gzip(&bytes[10..])].concat();
    let above = folder(&[(IMAGES, &members)]);
    assert_eq!(train(&above).unwrap().len(), 3);
}

#[test]
fn labels_must_be_as_many_as_the_images() {
    for count in [2, 4] {
        let labels = idx(0x801, &[count], &vec![0; count as usize]);
        let above = folder(&[(IMAGES, &three_images()), (LABELS, &labels)]);
        let found = format!("{LABELS}: {count} labels, expected the 3 of the images");
        assert_says(train(&above), &[&found]);
    }
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let above = folder(&[(IMAGES, &three_images())]);
    let file = above.path().join("tiny").join(IMAGES);
    assert_says(read(&file), &["is a file", "a folder of IDX files"]);
    let missing = above.path().join("nothing");
    assert_says(read(&missing), &["nothing: ", "check the path"]);
}

#[test]
fn test_images_of_another_shape_and_a_size_are_refused_by_name() {
    let above = folder(&[
        ("train-images-idx3-ubyte", &three_images()),
        ("t10k-images-idx3-ubyte", &idx(0x803, &[1, 2, 2], &[0; 4])),
    ]);
    assert_says(
        read(&tiny(&above)),
        &["t10k-images-idx3-ubyte", "[1, 2, 2]", "[1, 2, 3]"],
    );
    let options = ReadOptions::new(Channels::Auto, Some(4), None).unwrap();
    assert_says(
        open(&tiny(&above), &options, Parts::Training),
        &["`data.image_size`", "keep the size", "3 by 2"],
    );
}
