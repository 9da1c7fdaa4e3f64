//! The conversions between a pixel's byte and its value in [-1, 1].

/// The value of a byte: 0 is -1 (black), 255 is 1 (white).
pub fn byte_to_value(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

/// The byte nearest to a value in [-1, 1]. Values outside are clamped; NaN becomes 0.
pub fn value_to_byte(value: f32) -> u8 {
    unit_to_byte((f64::from(value) + 1.0) / 2.0)
}

/// floor(255 x + 1/2) of x in [0, 1], clamped, as torchvision's `save_image` does. NaN becomes 0.
pub fn unit_to_byte(unit: f64) -> u8 {
    // `as` truncates, saturates, and converts NaN to 0.
    (unit * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_the_byte_of_its_value() {
        for byte in 0..=255 {
            assert_eq!(value_to_byte(byte_to_value(byte)), byte);
        }
        assert_eq!((byte_to_value(0), byte_to_value(255)), (-1.0, 1.0));
        for (value, byte) in [(0.0, 128), (-7.0, 0), (7.0, 255), (f32::NAN, 0)] {
            assert_eq!(value_to_byte(value), byte);
        }
    }
}
