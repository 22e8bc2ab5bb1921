use super::{Op, Operation, Watch};
use crate::{
    AppendLog, GrowingFile, Metadata, PartReceipt, ReadRanges, Store, StoreError, StorePath, WritePart,
    WriteParts, WriteShape,
};
use std::sync::Arc;

/// Where a handle is, and who watches it.
pub(super) struct Place {
    pub(super) store: Arc<dyn Store>,
    pub(super) by: Arc<dyn Watch>,
    pub(super) path: StorePath,
}

impl Place {
    fn before(&self, op: Op, offset: u64, bytes: usize) -> Result<Operation, StoreError> {
        let operation = Operation::new(op, &self.path).bytes(offset, bytes as u64);
        self.by.before(&operation, &*self.store)?;
        Ok(operation)
    }
}

pub(super) struct WatchedFile {
    place: Place,
    file: Box<dyn ReadRanges>,
    metadata: Metadata,
    read: Op,
}

impl WatchedFile {
    pub(super) fn new(place: Place, file: Box<dyn ReadRanges>, opened: &Operation, read: Op) -> Self {
        let metadata = place.by.metadata(opened, file.metadata().clone());
        Self { place, file, metadata, read }
    }
}

impl ReadRanges for WatchedFile {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let operation = self.place.before(self.read, offset, buffer.len())?;
        let read = self.file.read_at(offset, buffer)?;
        Ok(self.place.by.after_read(&operation, buffer, read))
    }

    fn current(&self) -> Result<Metadata, StoreError> {
        let operation = self.place.before(Op::Current, 0, 0)?;
        Ok(self.place.by.metadata(&operation, self.file.current()?))
    }
}

pub(super) struct WatchedParts {
    place: Place,
    parts: Box<dyn WriteParts>,
    shape: WriteShape,
}

impl WatchedParts {
    pub(super) fn new(place: Place, parts: Box<dyn WriteParts>, shape: WriteShape) -> Self {
        Self { place, parts, shape }
    }
}

impl WriteParts for WatchedParts {
    fn token(&self) -> String {
        self.parts.token()
    }

    fn part(&self, index: u32) -> Result<Box<dyn WritePart + '_>, StoreError> {
        let (start, _) = self.shape.part(index);
        self.place.before(Op::Part, start, 0)?;
        Ok(Box::new(WatchedPart { place: &self.place, part: self.parts.part(index)?, offset: start }))
    }

    fn finish(&self, receipts: &[PartReceipt]) -> Result<(), StoreError> {
        self.place.before(Op::Finish, 0, 0)?;
        self.parts.finish(receipts)
    }
}

struct WatchedPart<'a> {
    place: &'a Place,
    part: Box<dyn WritePart + 'a>,
    offset: u64,
}

impl WritePart for WatchedPart<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let operation = self.place.before(Op::WritePart, self.offset, bytes.len())?;
        self.part.write(&self.place.by.to_write(&operation, bytes))?;
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<PartReceipt, StoreError> {
        self.place.before(Op::FinishPart, self.offset, 0)?;
        self.part.finish()
    }
}

pub(super) struct WatchedGrowing {
    place: Place,
    file: Box<dyn GrowingFile>,
    len: u64,
}

impl WatchedGrowing {
    pub(super) fn new(place: Place, file: Box<dyn GrowingFile>) -> Self {
        Self { place, file, len: 0 }
    }
}

impl GrowingFile for WatchedGrowing {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let operation = self.place.before(Op::Grow, self.len, bytes.len())?;
        self.len += bytes.len() as u64;
        self.file.write(&self.place.by.to_write(&operation, bytes))
    }

    fn finish(self: Box<Self>) -> Result<u64, StoreError> {
        self.place.before(Op::FinishGrowing, self.len, 0)?;
        self.file.finish()
    }
}

pub(super) struct WatchedLog {
    place: Place,
    log: Box<dyn AppendLog>,
}

impl WatchedLog {
    pub(super) fn new(place: Place, log: Box<dyn AppendLog>) -> Self {
        Self { place, log }
    }
}

impl AppendLog for WatchedLog {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let operation = self.place.before(Op::Append, 0, bytes.len())?;
        self.log.append(&self.place.by.to_write(&operation, bytes))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.place.before(Op::SyncLog, 0, 0)?;
        self.log.sync()
    }
}
