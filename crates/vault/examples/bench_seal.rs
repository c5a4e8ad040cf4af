//! Seals or opens many small secrets on one core: `bench_seal seal|open COUNT` prints how many nanoseconds that
//! took. `cargo xtask bench` runs it.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use domain::{DataKeyId, Entropy};
use vault::{DataKey, Place, Sealed};

/// As long as an access token of GitLab.
const SECRET: [u8; 64] = [b'x'; 64];
/// Where it would be kept.
const PLACE: Place<'static> = Place {
    table: "sealed",
    column: "link.access_token",
    owner: "usr_01jd2k3v4w5x6y7z8a9b0c1d2e",
    row: "link_01jd2k3v4w5x6y7z8a9b0c1d2f",
};

struct System;

impl Entropy for System {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "without random numbers there is nothing to measure")]
        aws_lc_rs::rand::fill(buffer).expect("the random generator works");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [direction, count] = arguments.as_slice() else {
        return Err("use `bench_seal seal|open COUNT`".into());
    };
    let count: u32 = count.parse()?;
    let key = DataKey::generate(DataKeyId::from_bytes([7; 16]), &System);
    let stored = key.seal(&PLACE, &SECRET).as_bytes().to_vec();
    if key.open(&PLACE, &Sealed::from_bytes(stored.clone())?)?.expose() != &SECRET {
        return Err("what was sealed opens to something else".into());
    }

    let begun = Instant::now();
    match direction.as_str() {
        "seal" => {
            for _ in 0..count {
                black_box(key.seal(black_box(&PLACE), black_box(&SECRET)));
            }
        }
        "open" => {
            for _ in 0..count {
                let sealed = Sealed::from_bytes(black_box(&stored).clone())?;
                black_box(key.open(black_box(&PLACE), &sealed)?);
            }
        }
        other => return Err(format!("`{other}` is neither `seal` nor `open`").into()),
    }
    let took = begun.elapsed();

    writeln!(std::io::stdout(), "{}", took.as_nanos())?;
    Ok(())
}
