use std::sync::Arc;

/// What a run reports while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Work of this name has begun; says how much there is, where known.
    Started {
        /// Name of the work: "copy".
        label: &'a str,
        /// Units to do.
        total_units: Option<u64>,
        /// Bytes to do.
        total_bytes: Option<u64>,
    },
    /// This much more of it is done.
    Advanced {
        /// Name of the work.
        label: &'a str,
        /// Units done since the last event.
        units: u64,
        /// Bytes done since the last event.
        bytes: u64,
    },
    /// It has ended, well or not.
    Finished {
        /// Name of the work.
        label: &'a str,
    },
    /// A line for the operator.
    Note(&'a str),
}

/// Hears what a run reports: a progress bar, a log, a test. Called often, from any thread: it must be cheap and never
/// wait.
pub trait Progress: Send + Sync {
    /// Hears one event.
    fn event(&self, event: Event<'_>);
}

/// Nobody listens.
impl Progress for () {
    fn event(&self, _: Event<'_>) {}
}

/// One piece of work under way: started when made, finished when dropped. May be shared with whoever does the work.
pub struct Meter {
    progress: Arc<dyn Progress>,
    label: String,
}

impl Meter {
    pub(crate) fn start(
        progress: Arc<dyn Progress>,
        label: String,
        total_units: Option<u64>,
        total_bytes: Option<u64>,
    ) -> Self {
        progress.event(Event::Started { label: &label, total_units, total_bytes });
        Self { progress, label }
    }

    /// Reports that this much more is done.
    pub fn advance(&self, units: u64, bytes: u64) {
        self.progress.event(Event::Advanced { label: &self.label, units, bytes });
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.progress.event(Event::Finished { label: &self.label });
    }
}
