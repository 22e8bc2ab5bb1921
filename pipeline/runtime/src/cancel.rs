use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks what runs to stop. Clones are the same request.
///
/// Flows look at it between units; a stage that works long on one unit may hold a clone and look at it too (and then
/// returns [`stage::Failure::interrupted`]).
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    asked: Arc<AtomicBool>,
    outer: Option<Arc<Cancel>>,
}

impl Cancel {
    /// A request that nobody has made yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a request of its own that is also made when this one is.
    #[must_use]
    pub fn inner(&self) -> Self {
        Self { asked: Arc::default(), outer: Some(Arc::new(self.clone())) }
    }

    /// Asks to stop. One atomic store: may be called from a signal handler.
    pub fn set(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// Whether it was asked to stop.
    pub fn is_set(&self) -> bool {
        self.asked.load(Ordering::Acquire) || self.outer.as_ref().is_some_and(|outer| outer.is_set())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_request_hears_the_outer_one_but_not_the_other_way_round() {
        let outer = Cancel::new();
        let inner = outer.inner();
        inner.clone().set();
        assert!(inner.is_set() && !outer.is_set());
        let other = outer.inner();
        assert!(!other.is_set());
        outer.set();
        assert!(other.is_set());
    }
}
