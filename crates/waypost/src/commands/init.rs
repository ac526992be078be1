//! `waypost init`: a commented configuration, with a verify token and the key that seals secrets.

use std::path::Path;

use crate::cli::InitArgs;
use crate::config::{DEFAULT, SecretsKey, USUAL_FILE};
use crate::development::random_text;
use crate::exit::{Exit, Failure};
use crate::{private_file, terminal};

/// The file beside the configuration that holds the key.
const KEY_FILE: &str = "waypost.key";

/// What of the default file becomes a setting.
const TEMPLATE: [(&str, &str); 6] = [
    ("# secrets_key = \"file:waypost.key\"\n", "secrets_key = \"file:waypost.key\"\n"),
    ("# [[apps]]\n", "[[apps]]\n"),
    ("# name = \"main\"\n", "name = \"main\"\n"),
    ("# paths = [\"/webhooks/main\"]\n", "paths = [\"/webhooks/main\"]\n"),
    ("# verify_token = \"env:WAYPOST_VERIFY_TOKEN\"\n", "verify_token = \"TOKEN\"\n"),
    ("# secrets = [\"env:WAYPOST_APP_SECRET\"]\n", "secrets = [\"env:WAYPOST_APP_SECRET\"]\n"),
];

/// Writes the files and says what comes next.
pub(crate) fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let file = args.dir.join(USUAL_FILE);
    let text = configuration(&random_text()?);
    std::fs::create_dir_all(&args.dir).map_err(Failure::file(format!("make the folder {}", args.dir.display())))?;
    write(&file, &text, args.force)?;
    let key = args.dir.join(KEY_FILE);
    // A key that is there stays, even by force: without it nobody opens the secrets of its store again.
    if !key.exists() {
        let fresh = SecretsKey::generate().ok_or(Failure::NoChance)?;
        let line = format!("{}\n", fresh.to_text().expose());
        private_file::create(&key, &line).map_err(Failure::file(format!("write {}", key.display())))?;
    }
    let file = file.display();
    terminal::print(&format!(
        "wrote {file} and {}\n\
         1. export WAYPOST_APP_SECRET=<the app secret from Meta's dashboard: Settings, Basic>\n\
         2. waypost check -c {file}\n\
         3. the callback path is /webhooks/main; the verify token for Meta's dashboard stands in {file}",
        key.display()
    ))?;
    Ok(Exit::Ok)
}

fn write(file: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let doing = format!("write {}", file.display());
    if force {
        return private_file::write(file, text).map_err(Failure::file(doing));
    }
    private_file::create(file, text).map_err(|source| {
        let there = source.kind() == std::io::ErrorKind::AlreadyExists;
        Failure::File { doing, hint: there.then_some("--force overwrites it"), source }
    })
}

/// The default file with an app in it.
fn configuration(verify_token: &str) -> String {
    let text = TEMPLATE.iter().fold(DEFAULT.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
    text.replacen("TOKEN", verify_token, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_template_is_in_the_default_file() {
        for (from, to) in TEMPLATE {
            assert!(DEFAULT.contains(&format!("\n{from}")), "{from}");
            assert!(configuration("TOKEN").contains(&format!("\n{to}")), "{to}");
        }
    }
}
