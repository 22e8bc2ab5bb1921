//! Progress bars on standard error; nothing is drawn if that is not a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jobs::{Event, Progress};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bar for each piece of work under way.
pub struct Bars {
    all: MultiProgress,
    under_way: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    /// No bar yet.
    pub fn new() -> Self {
        Self { all: MultiProgress::new(), under_way: Mutex::default() }
    }

    fn start(&self, label: &str, units: Option<u64>, bytes: Option<u64>) {
        let (length, template) = match (bytes, units) {
            (Some(bytes), _) => (
                bytes,
                "{prefix:>20} {bar:30} {bytes:>11} of {total_bytes:<11} {bytes_per_sec:>12} {eta:>5} left",
            ),
            (None, Some(units)) => {
                (units, "{prefix:>20} {bar:30} {human_pos:>11} of {human_len:<11} {eta:>5} left")
            }
            (None, None) => (0, "{prefix:>20} {spinner} {human_pos}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.all.add(ProgressBar::new(length)).with_style(style).with_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bars().insert(label.to_owned(), bar);
    }

    fn bars(&self) -> std::sync::MutexGuard<'_, HashMap<String, ProgressBar>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { label, total_units, total_bytes } => self.start(label, total_units, total_bytes),
            Event::Advanced { label, units, bytes } => {
                if let Some(bar) = self.bars().get(label) {
                    let counts_bytes = bytes > 0;
                    bar.inc(if counts_bytes { bytes } else { units });
                }
            }
            Event::Finished { label } => {
                if let Some(bar) = self.bars().remove(label) {
                    bar.finish_and_clear();
                }
            }
            Event::Note(line) => {
                // A note is shown even where bars are hidden.
                if self.all.is_hidden() { crate::report::line(line) } else { drop(self.all.println(line)) }
            }
        }
    }
}

/// Says on standard error how long each piece of work took, for `--verbose`.
pub struct Timings {
    /// Another listener, which hears everything.
    pub beside: Arc<dyn Progress>,
    began: Mutex<HashMap<String, Instant>>,
}

impl Timings {
    /// Passes everything on to `beside`, too.
    pub fn new(beside: Arc<dyn Progress>) -> Self {
        Self { beside, began: Mutex::default() }
    }

    fn began(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Timings {
    fn event(&self, event: Event<'_>) {
        self.beside.event(event);
        match event {
            Event::Started { label, .. } => drop(self.began().insert(label.to_owned(), Instant::now())),
            Event::Finished { label } => {
                if let Some(began) = self.began().remove(label) {
                    crate::report::line(&format!("{label}: {:.3} s", began.elapsed().as_secs_f64()));
                }
            }
            Event::Advanced { .. } | Event::Note(_) => {}
        }
    }
}
