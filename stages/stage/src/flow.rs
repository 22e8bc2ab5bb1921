use crate::Failure;

/// The size of a message, for the byte budget of a flow.
pub trait Bytes {
    /// Bytes of memory that this message holds while it is in flight.
    fn bytes(&self) -> usize;
}

/// Yields units one after another.
pub trait Source {
    /// What it yields.
    type Out;
    /// The next unit, `None` at the end.
    fn next(&mut self) -> Result<Option<Self::Out>, Failure>;
}

/// Turns one unit into another, without state: a runner may call it from many threads at once.
pub trait Map: Sync {
    /// What goes in.
    type In;
    /// What comes out.
    type Out;
    /// Does the work on one unit.
    fn map(&self, unit: Self::In) -> Result<Self::Out, Failure>;
}

/// Writes units somewhere and reports at the end what it wrote.
pub trait Sink {
    /// What goes in.
    type In;
    /// What it reports at the end.
    type Report;
    /// Takes one unit.
    fn write(&mut self, unit: Self::In) -> Result<(), Failure>;
    /// Ends the writing. Without this call nothing that was written counts.
    fn finish(self) -> Result<Self::Report, Failure>;
}
