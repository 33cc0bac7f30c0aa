//! Generators for the parts of a simulation. Each part has its own, made from the seed and the part's numbers, so that leaving
//! out one part does not change the others.

use rand::{SeedableRng as _, rngs::StdRng};

/// Returns the generator of the part with these numbers.
pub fn generator(seed: u64, numbers: &[u64]) -> StdRng {
    let mut mixed = mix(seed);
    for number in numbers {
        mixed = mix(mixed ^ mix(*number));
    }
    StdRng::seed_from_u64(mixed)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
