//! Writes the seeds of all targets: `cargo run --example seeds -- FOLDER`.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("the folder to write to");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (target, _) in tripline_fuzz::TARGETS {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        for (index, seed) in tripline_fuzz::seeds(&project, target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}
