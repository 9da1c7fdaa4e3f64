//! The grid compared with torchvision's, and with its own formula where rows and columns differ.

use crate::common::uniform;
use crate::splitmix::u;
use candle_core::{Device, Tensor};
use gan_sample::{ImageGrid, PixelRange};

/// `tests/golden/make_metrics.py`: `save_image(images, nrow=5, normalize=True)`.
#[test]
fn the_grid_is_torchvisions_pixel_for_pixel() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/grid.png");
    let golden = image::open(path).unwrap().to_rgb8();
    let grid = ImageGrid {
        rows: 5,
        columns: 5,
        range: PixelRange::MinMax,
    };
    let picture = grid.render(&uniform(2007, &[25, 1, 28, 28])).unwrap();
    assert_eq!(golden.dimensions(), (picture.width(), picture.height()));
    let differing = golden.pixels().zip(picture.bytes());
    let differing = differing
        .filter(|(golden, ours)| golden.0 != [**ours; 3])
        .count();
    assert_eq!(differing, 0);
}

#[test]
fn two_rows_of_three_stand_where_the_layout_says() {
    const PADDING: usize = 2;
    let (rows, columns, count) = (2, 3, 5);
    for channels in [1, 3] {
        let (h, w) = (4, 6);
        // Byte (k, c, y, x), 1 to 255, so that no pixel looks like padding.
        let level = |k: usize, c: usize, y: usize, x: usize| {
            let index = ((k * channels + c) * h + y) * w + x;
            1 + (u(9, index as u64) * 255.0) as u8
        };
        let mut values = Vec::new();
        for k in 0..count {
            for c in 0..channels {
                for y in 0..h {
                    let row = (0..w).map(|x| f32::from(level(k, c, y, x)) / 127.5 - 1.0);
                    values.extend(row);
                }
            }
        }
        let images = Tensor::from_vec(values, (count, channels, h, w), &Device::Cpu).unwrap();
        let range = PixelRange::Fixed;
        let picture = ImageGrid {
            rows,
            columns,
            range,
        }
        .render(&images)
        .unwrap();
        let (height, width) = (
            rows * (h + PADDING) + PADDING,
            columns * (w + PADDING) + PADDING,
        );
        assert_eq!(
            (picture.height(), picture.width()),
            (height as u32, width as u32)
        );
        assert_eq!(picture.channels(), channels);
        for (index, byte) in picture.bytes().iter().enumerate() {
            let (pixel, c) = (index / channels, index % channels);
            let (py, px) = (pixel / width, pixel % width);
            // The cell, counting its upper and left padding; the last padding would be one cell too far.
            let (row, y) = (py / (h + PADDING), py % (h + PADDING));
            let (column, x) = (px / (w + PADDING), px % (w + PADDING));
            let image = row * columns + column;
            let inside = row < rows && column < columns && image < count;
            let expected = match inside && y >= PADDING && x >= PADDING {
                true => level(image, c, y - PADDING, x - PADDING),
                false => 0,
            };
            assert_eq!(*byte, expected, "channel {c} of row {py}, column {px}");
        }
    }
}
