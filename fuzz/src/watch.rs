//! What counts as a finding: a panic, or memory asked for because of what the bytes say.
//!
//! Memory is judged by the peak of the process's whole address space, which only grows: a process that watches must run
//! one input at a time and must not have asked for much before.

/// How much the address space of the process may grow while it looks at one input.
const GROWTH_LIMIT: u64 = 512 << 20;

/// The largest address space this process ever had, in bytes: memory that was asked for counts, touched or not. `None`
/// where `/proc/self/status` does not say.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmPeak:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What goes wrong with these bytes, if anything does.
pub fn finding(run: fn(&[u8]), bytes: &[u8]) -> Option<String> {
    let before = peak();
    if std::panic::catch_unwind(|| run(bytes)).is_err() {
        return Some("a panic".to_owned());
    }
    let growth = peak()?.saturating_sub(before?);
    (growth > GROWTH_LIMIT).then(|| format!("{growth} bytes of memory asked for"))
}
