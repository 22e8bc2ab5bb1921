use stage::Failure;
use std::io::{self, Write};

/// Written at a time.
const OUT_LEN: usize = 1 << 16;

/// Lines on their way to a terminal, a pipe or a file, many at a time.
pub struct PrintLines<'a> {
    /// What is being done, for messages.
    doing: &'static str,
    out: &'a mut dyn Write,
    /// What was not written yet.
    pub lines: Vec<u8>,
    closed: bool,
}

impl<'a> PrintLines<'a> {
    pub fn new(doing: &'static str, out: &'a mut dyn Write) -> Self {
        Self { doing, out, lines: Vec::with_capacity(2 * OUT_LEN), closed: false }
    }

    /// Whether nobody listens any more. That is no failure, but nothing more needs to be printed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Ends a line, and writes if there are many.
    #[inline]
    pub fn end_line(&mut self) -> Result<(), Failure> {
        self.lines.push(b'\n');
        if self.lines.len() >= OUT_LEN { self.write() } else { Ok(()) }
    }

    /// Writes what there is.
    pub fn write(&mut self) -> Result<(), Failure> {
        let written = if self.closed { Ok(()) } else { self.out.write_all(&self.lines) };
        self.lines.clear();
        self.take(written)
    }

    /// Writes what is left, and flushes the output.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.write()?;
        let flushed = if self.closed { Ok(()) } else { self.out.flush() };
        self.take(flushed)
    }

    fn take(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            written => written.map_err(|error| Failure::failed(self.doing, "standard output", error))?,
        }
        Ok(())
    }
}
