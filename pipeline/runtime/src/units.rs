use stage::{Failure, Source};

/// An iterator as a source; see [`units()`].
#[derive(Debug, Clone)]
pub struct Units<I>(I);

/// A source that yields what the iterator yields.
pub fn units<I: IntoIterator>(iter: I) -> Units<I::IntoIter> {
    Units(iter.into_iter())
}

impl<I: Iterator> Source for Units<I> {
    type Out = I::Item;

    fn next(&mut self) -> Result<Option<I::Item>, Failure> {
        Ok(self.0.next())
    }
}
