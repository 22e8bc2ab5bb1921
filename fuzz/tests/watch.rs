//! The watch over the targets must itself be able to find something. Alone in its binary and one test only, because what
//! it asks for raises the peak of the whole process.

#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use fuzz::watch::{finding, peak};

#[test]
fn a_panic_and_a_huge_request_are_found() {
    let picky = |bytes: &[u8]| assert!(bytes.len() < 3, "three bytes");
    assert_eq!(finding(picky, b"ab"), None);
    assert_eq!(finding(picky, b"abc").as_deref(), Some("a panic"));
    if peak().is_none() {
        eprintln!("SKIPPED: the memory check; /proc/self/status does not say");
        return;
    }
    let greedy = |_: &[u8]| drop(std::hint::black_box(Vec::<u8>::with_capacity(8 << 30)));
    assert!(finding(greedy, b"").is_some_and(|what| what.contains("memory")));
}
