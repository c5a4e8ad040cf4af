//! Random bytes that are the same in every run.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Entropy;

/// An [`Entropy`] that repeats: equal seeds give equal bytes. Clones draw from the same sequence.
#[derive(Debug, Clone)]
pub struct SeededEntropy(Arc<Mutex<u64>>);

impl SeededEntropy {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    /// SplitMix64 (Steele, Lea, Flood 2014): eight bytes a step, good enough to never collide in a test.
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            for (byte, random) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}
