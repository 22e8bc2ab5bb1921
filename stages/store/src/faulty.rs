use crate::{Identity, Metadata, Op, Operation, Store, StoreError, StoreErrorKind, Watch, Watched, shown};
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A store that breaks as a test tells it to.
pub type Faulty = Watched<Faults>;

/// What goes wrong.
#[derive(Clone)]
pub enum Effect {
    /// The operation fails, without being done.
    Fail(StoreErrorKind),
    /// A read gives no bytes at or after this offset, as if the file ended there.
    EndAt(u64),
    /// The byte at this offset of the file has its lowest bit flipped: in what is read, if on a read; on the medium,
    /// if on a write.
    Flip(u64),
    /// The file is deleted just before the operation.
    Vanish,
    /// The store says that the file has this length (and another identity), as if it had grown or been cut.
    Length(u64),
    /// This is called before the operation: to change files from outside, or to end the process.
    Call(Arc<dyn Fn(&Operation) + Send + Sync>),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(kind) => write!(f, "Fail({kind:?})"),
            Self::EndAt(offset) => write!(f, "EndAt({offset})"),
            Self::Flip(offset) => write!(f, "Flip({offset})"),
            Self::Vanish => write!(f, "Vanish"),
            Self::Length(len) => write!(f, "Length({len})"),
            Self::Call(_) => write!(f, "Call"),
        }
    }
}

/// One thing that goes wrong, and when: `Fault::new(effect).on(Op::Read).path("cf/").nth(3)`. Without more, the
/// first operation that it can strike is struck, and no other.
#[derive(Debug, Clone)]
pub struct Fault {
    effect: Effect,
    op: Option<Op>,
    path: String,
    nth: u64,
    times: u64,
    seen: u64,
}

impl Fault {
    /// Strikes the first operation of any kind.
    pub fn new(effect: Effect) -> Self {
        Self { effect, op: None, path: String::new(), nth: 1, times: 1, seen: 0 }
    }

    /// Only operations of this kind count.
    #[must_use]
    pub fn on(self, op: Op) -> Self {
        Self { op: Some(op), ..self }
    }

    /// Only paths with this text in them count.
    #[must_use]
    pub fn path(self, text: impl Into<String>) -> Self {
        Self { path: text.into(), ..self }
    }

    /// Strikes the nth operation that counts, from 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Strikes this many operations, one after the other.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// Strikes every operation from the nth on.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    fn matches(&self, operation: &Operation, moment: Moment) -> bool {
        let covers = |offset: u64| {
            offset >= operation.offset && offset < operation.offset.saturating_add(operation.bytes)
        };
        let can_strike = match self.effect {
            Effect::Fail(_) | Effect::Vanish | Effect::Call(_) => moment == Moment::Before,
            Effect::EndAt(_) => moment == Moment::Read,
            Effect::Flip(offset) => matches!(moment, Moment::Read | Moment::Write) && covers(offset),
            Effect::Length(_) => moment == Moment::Metadata,
        };
        let paths = [Some(&operation.path), operation.to.as_ref()];
        can_strike
            && self.op.is_none_or(|op| op == operation.op)
            && paths.into_iter().flatten().any(|path| path.as_str().contains(&self.path))
    }

    /// Counts an operation that matches; says whether it is one to strike.
    fn strikes(&mut self) -> bool {
        self.seen += 1;
        self.seen >= self.nth && self.seen - self.nth < self.times
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    Read,
    Write,
    Metadata,
}

/// What goes wrong in a store, and when.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Mutex<Vec<Fault>>,
    room: Mutex<Option<u64>>,
}

impl Faults {
    /// Adds one; they count independently of each other.
    pub fn add(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    /// From now on all goes well again.
    pub fn clear(&self) {
        lock(&self.faults).clear();
        *lock(&self.room) = None;
    }

    /// After this many more bytes the disk is full.
    pub fn disk_full_after(&self, bytes: u64) {
        *lock(&self.room) = Some(bytes);
    }

    fn struck(&self, operation: &Operation, moment: Moment) -> Vec<Effect> {
        let mut faults = lock(&self.faults);
        let matching = faults.iter_mut().filter(|fault| fault.matches(operation, moment));
        let mut effects = Vec::new();
        for fault in matching {
            if fault.strikes() {
                effects.push(fault.effect.clone());
            }
        }
        effects
    }

    fn take_room(&self, bytes: u64) -> bool {
        let mut room = lock(&self.room);
        let left = room.map(|room| room.checked_sub(bytes));
        if let Some(Some(left)) = left {
            *room = Some(left);
        }
        left != Some(None)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(kind: StoreErrorKind, operation: &Operation, store: &dyn Store) -> StoreError {
    let path = shown(store, operation.path.as_str());
    StoreError::new(kind, format!("{:?}", operation.op), path, "a fault that a test asked for")
}

impl Watch for Faults {
    fn before(&self, operation: &Operation, store: &dyn Store) -> Result<(), StoreError> {
        for effect in self.struck(operation, Moment::Before) {
            match effect {
                Effect::Fail(kind) => return Err(failed(kind, operation, store)),
                Effect::Vanish => store.delete(&operation.path)?,
                Effect::Call(call) => call(operation),
                Effect::EndAt(_) | Effect::Flip(_) | Effect::Length(_) => {}
            }
        }
        if operation.is_write() && !self.take_room(operation.bytes) {
            return Err(failed(StoreErrorKind::NoSpace, operation, store));
        }
        Ok(())
    }

    fn after_read(&self, operation: &Operation, buffer: &mut [u8], read: usize) -> usize {
        let mut given = read;
        for effect in self.struck(operation, Moment::Read) {
            match effect {
                Effect::EndAt(end) => {
                    let there = end.saturating_sub(operation.offset);
                    given = given.min(usize::try_from(there).unwrap_or(usize::MAX));
                }
                Effect::Flip(offset) => flip(buffer.split_at_mut(read).0, offset - operation.offset),
                _ => {}
            }
        }
        given
    }

    fn to_write<'a>(&self, operation: &Operation, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut bytes = Cow::Borrowed(bytes);
        for effect in self.struck(operation, Moment::Write) {
            if let Effect::Flip(offset) = effect {
                flip(bytes.to_mut(), offset - operation.offset);
            }
        }
        bytes
    }

    fn metadata(&self, operation: &Operation, mut metadata: Metadata) -> Metadata {
        for effect in self.struck(operation, Moment::Metadata) {
            if let Effect::Length(len) = effect {
                metadata.len = len;
                metadata.identity = Identity(format!("{} as {len} bytes", metadata.identity.0));
            }
        }
        metadata
    }
}

fn flip(bytes: &mut [u8], at: u64) {
    if let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) {
        *byte ^= 1;
    }
}
