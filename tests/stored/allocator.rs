//! An allocator that knows the largest piece of memory that the thread has asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Noting;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn note(size: usize) {
    // While a thread ends, nobody asks any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller of this function warrants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller of this function warrants.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static NOTING: Noting = Noting;

/// The largest piece of memory that the thread asks for while something is done.
pub fn largest<T>(what: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let done = what();
    (done, LARGEST.get())
}
