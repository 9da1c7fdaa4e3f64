//! An error with its causes in one text.

use std::error::Error;

/// The text of an error and its causes, outermost first. An error that includes its source in its own text
/// does not print it twice.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let this = error.to_string();
        if !last.contains(&this) {
            text = format!("{text}: {this}");
        }
        last = this;
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn causes_follow_unless_they_were_said() {
        let broken = Told("file: broken", None);
        let really = Told("file: broken, really", Some(Box::new(broken)));
        let error = Told("no run", Some(Box::new(really)));
        assert_eq!(with_causes(&error), "no run: file: broken, really");
    }
}
