//! What the disk takes to make something durable, so that the other figures can be read.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use crate::results::{Row, Unit};
use crate::suite::Suite;

use super::{GROUP, median, spread};

/// How much is appended at a time, and how often.
const SIZES: [(&str, usize, usize); 2] =
    [("4 KiB appended and synced", 4 << 10, 100), ("32 MiB appended and synced", 32 << 20, 7)];

/// Measures each.
pub fn run(suite: &mut Suite) {
    for (case, bytes, times) in SIZES {
        if !suite.wants(GROUP, case) {
            continue;
        }
        let file = suite.fresh_folder().join("file");
        let mut file = File::create(file).expect("a file can be made");
        let bytes = vec![7; bytes];
        let mut millis = Vec::new();
        for _ in 0..times {
            let begun = Instant::now();
            file.write_all(&bytes).and_then(|()| file.sync_data()).expect("the disk works and has room");
            millis.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let remark = format!("on the clock, {}", spread(&millis, |millis| format!("{millis:.1} ms")));
        suite.push(Row::new(GROUP, case, median(millis), Unit::Millis).remark(remark));
    }
}
