use crate::{path, write};
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::{collections::BTreeMap, env};
use store::{Publish, Store, StoreErrorKind, StorePath, read_all};

/// Does the same random operations to a store and to a map, and compares all of it now and then. The seed is printed;
/// `TIDEGATE_SEED` sets it.
pub fn agrees_with_a_map(store: &dyn Store) {
    let seed = env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed_0001);
    println!("TIDEGATE_SEED={seed}");
    let mut choose = Choose::new(seed);
    let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for step in 0..600 {
        let name = choose.name();
        let doing = act(store, &mut model, &mut choose, &name);
        if step % 100 == 99 {
            assert_eq!(everything(store), model, "seed {seed}, after step {step}: {doing}");
        }
    }
}

struct Choose(TestRng);

impl Choose {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::XorShift, &bytes))
    }

    fn below(&mut self, n: u32) -> u32 {
        use proptest::prelude::Rng;
        self.0.next_u32() % n
    }

    /// Directories have other names than files, so that no file is in the way of a directory.
    fn name(&mut self) -> String {
        let dirs: String = (0..self.below(3)).map(|_| format!("d{}/", self.below(2))).collect();
        format!("{dirs}f{}", self.below(4))
    }

    fn bytes(&mut self) -> Vec<u8> {
        let (len, first) = (self.below(3_000), self.below(256));
        (0..len).map(|n| (n + first) as u8).collect()
    }
}

/// One operation on both; what each says must agree.
fn act(
    store: &dyn Store,
    model: &mut BTreeMap<String, Vec<u8>>,
    choose: &mut Choose,
    name: &str,
) -> &'static str {
    let at = path(name);
    match choose.below(6) {
        0 => {
            let bytes = choose.bytes();
            let done = store.put(&at, &bytes, Publish::IfAbsent);
            assert_eq!(done.is_ok(), !model.contains_key(name), "{name}: {done:?}");
            model.entry(name.to_owned()).or_insert(bytes);
            "put if absent"
        }
        1 => {
            let bytes = choose.bytes();
            store.put(&at, &bytes, Publish::Replace).unwrap();
            model.insert(name.to_owned(), bytes);
            "put"
        }
        2 => {
            let bytes = choose.bytes();
            write(store, &at, &bytes, u64::from(1 + choose.below(1_000))).unwrap();
            model.insert(name.to_owned(), bytes);
            "write"
        }
        3 => {
            let gone = store.delete(&at).map_err(|error| error.kind);
            let expected = model.remove(name).map(drop).ok_or(StoreErrorKind::NotFound);
            assert_eq!(gone, expected, "{name}");
            "delete"
        }
        4 => {
            rename(store, model, name, &choose.name());
            "rename"
        }
        _ => {
            let read = read_all(store, &at, 1 << 20).map_err(|error| error.kind);
            assert_eq!(read.as_ref(), model.get(name).ok_or(&StoreErrorKind::NotFound), "{name}");
            "read"
        }
    }
}

fn rename(store: &dyn Store, model: &mut BTreeMap<String, Vec<u8>>, from: &str, to: &str) {
    let done = store.rename(&path(from), &path(to), Publish::IfAbsent).map_err(|error| error.kind);
    let expected = if !model.contains_key(from) {
        Err(StoreErrorKind::NotFound)
    } else if model.contains_key(to) {
        Err(StoreErrorKind::AlreadyExists)
    } else {
        Ok(())
    };
    // Where both are wrong, either may be said.
    if done.is_ok() || expected.is_ok() || !model.contains_key(to) {
        assert_eq!(done, expected, "{from} to {to}");
    }
    if expected.is_ok()
        && let Some(bytes) = model.remove(from)
    {
        model.insert(to.to_owned(), bytes);
    }
}

/// All files below the root, by listing.
fn everything(store: &dyn Store) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![StorePath::root()];
    while let Some(dir) = dirs.pop() {
        let mut after = None;
        loop {
            let page = store.list(&dir, after.as_deref(), 3).unwrap();
            for entry in &page.entries {
                let at = dir.join(&entry.name).unwrap();
                match entry.metadata.kind {
                    store::Kind::Directory => dirs.push(at),
                    store::Kind::File => {
                        files.insert(at.to_string(), read_all(store, &at, 1 << 20).unwrap());
                    }
                }
            }
            after = page.entries.last().map(|entry| entry.name.clone());
            if !page.more {
                break;
            }
        }
    }
    files
}
