//! Files with one body each; `-` is standard input.

use std::io::Read as _;
use std::path::Path;

/// Bytes of a file at most: as much as `receive.body_bytes_max` can allow.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads a body.
pub(crate) fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX + 1;
    let length = if is_standard_input(file) {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?
    } else {
        std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?
    };
    if u64::try_from(length).is_ok_and(|length| length < limit) {
        return Ok(bytes);
    }
    let message = format!("it has more than {FILE_BYTES_MAX} bytes, and no webhook body has");
    Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message))
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What to call the file when something is told of it.
pub(crate) fn name(file: &Path) -> String {
    if is_standard_input(file) { "standard input".to_owned() } else { file.display().to_string() }
}
