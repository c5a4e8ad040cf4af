//! How the server gives memory back.

/// Blocks of this many bytes and more come from the kernel one by one and go back when freed.
const OWN_MAPPING: libc::c_int = 256 << 10;
/// Heaps that threads share. Each keeps what it once needed; two are enough for a server that waits most
/// of its time.
const HEAPS: libc::c_int = 2;

/// Fixes two settings of the C library's allocator that it would otherwise raise by itself: one password
/// hash of 19 MiB would stay with the process for good.
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
pub fn keep_small() {
    // SAFETY: called once, before there is a second thread; a refused setting changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
