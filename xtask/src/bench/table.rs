//! The table, in Markdown.

use super::measure::Figures;

const HEAD: &str = "| what | median | spread | images or sequences/s | GFLOP/s | products' share | memory | faults |\n\
                    |---|---|---|---|---|---|---|---|";

/// A line of the table.
pub(super) struct Row {
    name: String,
    figures: Figures,
    images: Option<usize>,
    /// The matrix products' share of the time, or the ratio to this project's time.
    compared: Option<String>,
}

impl Row {
    pub(super) fn new(name: String, figures: &Figures) -> Self {
        Self {
            name,
            figures: figures.clone(),
            images: None,
            compared: None,
        }
    }

    /// The images of one repetition.
    pub(super) fn images(mut self, images: usize) -> Self {
        self.images = Some(images);
        self
    }

    pub(super) fn share_of(mut self, floor: &Figures) -> Self {
        let share = 100.0 * floor.median_ms / self.figures.median_ms;
        self.compared = Some(format!("{share:.0} % ({})", time(floor.median_ms)));
        self
    }

    pub(super) fn slower_than(mut self, ours: &Figures) -> Self {
        let ratio = self.figures.median_ms / ours.median_ms;
        self.compared = Some(format!("{ratio:.2} × our time"));
        self
    }

    fn render(&self) -> String {
        let Figures {
            median_ms,
            p10_ms,
            p90_ms,
            gflop,
            minor_faults,
            peak_mib,
        } = self.figures;
        let spread = p10_ms
            .zip(p90_ms)
            .map(|(low, high)| format!("{} to {}", time(low), time(high)));
        let rate = self
            .images
            .map(|images| format!("{:.0}", images as f64 / median_ms * 1e3));
        let speed = (gflop > 0.0).then(|| format!("{:.0}", gflop / median_ms * 1e3));
        let cells = [
            Some(self.name.clone()),
            Some(time(median_ms)),
            spread,
            rate,
            speed,
            self.compared.clone(),
            peak_mib.map(|mib| format!("{mib:.0} MiB")),
            minor_faults.map(|faults| format!("{faults:.1}")),
        ];
        let cells = cells.map(Option::unwrap_or_default);
        format!("| {} |", cells.join(" | "))
    }
}

/// Milliseconds in a readable unit.
fn time(milliseconds: f64) -> String {
    match milliseconds {
        ..100.0 => format!("{milliseconds:.2} ms"),
        100.0..1000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.2} s", milliseconds / 1e3),
    }
}

/// Medians over the rounds, from the lowest tenth to the highest tenth of all repetitions.
pub(super) fn render(rows: &[Row]) -> String {
    let lines = rows.iter().map(Row::render);
    let lines: Vec<String> = std::iter::once(HEAD.to_string()).chain(lines).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_rate_speed_and_share() {
        let step = Figures {
            median_ms: 10.0,
            gflop: 2.0,
            ..Figures::default()
        };
        let floor = Figures {
            median_ms: 9.0,
            ..Figures::default()
        };
        let row = Row::new("step".into(), &step).images(128).share_of(&floor);
        assert_eq!(
            row.render(),
            "| step | 10.00 ms |  | 12800 | 200 | 90 % (9.00 ms) |  |  |"
        );
        let peer = Row::new("peer".into(), &floor).slower_than(&step);
        assert!(peer.render().contains("0.90 × our time"));
    }

    #[test]
    fn times_have_readable_units() {
        assert_eq!(
            [9.876, 123.4, 3210.0].map(time),
            ["9.88 ms", "123 ms", "3.21 s"]
        );
    }
}
