//! Converting WALs: what comes out, how often, and what goes wrong. Everything is run where names are renamed and files
//! grow, and where neither is so, as on an object store.
#![expect(clippy::duplicate_mod, reason = "each kind of storage runs the same tests")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panic and says what it skips")]

mod golden;
mod readers;
mod support;

macro_rules! converts {
    ($($name:ident: $make:expr;)*) => { $(
        #[path = "."]
        mod $name {
            mod again;
            mod bad_input;
            mod content;
            mod memory;

            use std::sync::Arc;
            use store::{MemoryStore, Store};

            fn empty() -> Arc<dyn Store> {
                Arc::new($make)
            }

            /// Source and target.
            fn stores() -> (Arc<dyn Store>, Arc<dyn Store>) {
                (empty(), empty())
            }
        }
    )* };
}

converts! {
    files: MemoryStore::files();
    hdfs: MemoryStore::hdfs();
    objects: MemoryStore::objects();
}
