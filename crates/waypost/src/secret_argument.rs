//! Secrets as they are given on the command line: `env:NAME`, `file:path`, `-` for standard input, or the secret itself
//! (which other users of the machine can see while the command runs).

use std::io::Read as _;

use gateway::secret::Secret;

use crate::config::Environment;
use crate::exit::Failure;

/// Bytes of a secret at most.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The secret behind an argument. `argument` is its name, for what is told when there is none.
pub(crate) fn read(argument: &str, text: &str, environment: &Environment) -> Result<Secret, Failure> {
    let secret = if text == "-" {
        let doing = format!("read {argument} from standard input");
        whole(std::io::stdin().lock()).map_err(Failure::file(doing))?
    } else if let Some(path) = text.strip_prefix("file:") {
        let file = std::fs::File::open(path).and_then(whole);
        file.map_err(Failure::file(format!("read {argument} from {path}")))?
    } else if let Some(name) = text.strip_prefix("env:") {
        let missing =
            || Failure::Arguments(format!("{argument}: the environment variable {name:?} is not set, or empty"));
        environment.get(name).ok_or_else(missing)?.to_owned()
    } else {
        text.to_owned()
    };
    if secret.trim().is_empty() {
        return Err(Failure::Arguments(format!("{argument}: the secret is empty")));
    }
    Ok(Secret::new(secret))
}

/// A text without the one newline that editors and `echo` leave.
fn whole(from: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn secret(text: &str) -> Result<Secret, Failure> {
        read("--hub-secret", text, &Environment::from_pairs([("NAME", "from the environment")]))
    }

    #[test]
    fn a_secret_comes_from_the_environment_from_a_file_or_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\r\n").unwrap();
        assert_eq!(secret("env:NAME").unwrap().expose(), "from the environment");
        assert_eq!(secret(&format!("file:{}", file.path().display())).unwrap().expose(), "from a file");
        assert_eq!(secret("hunter2").unwrap().expose(), "hunter2");
    }

    #[test]
    fn a_secret_that_is_not_there_is_told_without_its_text() {
        let told = secret("env:OTHER").unwrap_err().to_string();
        assert_eq!(told, "--hub-secret: the environment variable \"OTHER\" is not set, or empty");
        assert!(secret("").is_err());
    }
}
