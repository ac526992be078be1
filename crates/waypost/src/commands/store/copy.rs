//! `waypost store copy`: a store from a folder into a database, or back.

use std::path::PathBuf;

use serde::Serialize;
use store::{CopiedTable, CopyEnd, CopyProgress, CopyStep, PostgresOptions};

use crate::cli::StoreCopyArgs;
use crate::commands::serve::runtime;
use crate::config::Environment;
use crate::exit::{Exit, Failure};
use crate::table::Table;
use crate::terminal::{self, Bar};
use crate::{development, secret_argument};

/// What was copied, for programs.
#[derive(Debug, Serialize)]
struct Copied<'a> {
    from: &'a str,
    to: &'a str,
    tables: Vec<OfTable>,
}

/// One table of it.
#[derive(Debug, Serialize)]
struct OfTable {
    name: &'static str,
    rows: u64,
    /// Of both sides, in hexadecimal digits: it does not fit a JSON number.
    checksum: String,
}

/// One side, and how it is called.
struct Side {
    end: CopyEnd,
    name: String,
}

/// Copies, or goes on with it.
pub(super) fn run(args: &StoreCopyArgs) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    let from = side("--from", &args.from, args, &environment)?;
    let to = side("--to", &args.to, args, &environment)?;
    if let (CopyEnd::Folder(_), CopyEnd::Folder(_)) | (CopyEnd::Postgres(_), CopyEnd::Postgres(_)) =
        (&from.end, &to.end)
    {
        return Err(Failure::Arguments(
            "both are stores of the same kind: a folder is moved with `waypost store backup` and `restore`, a database \
             with PostgreSQL's own tools"
                .to_owned(),
        ));
    }
    let made_key = made_key(&from.end);
    let mut bar = Bar::new();
    let copied = runtime()?.block_on(store::copy(from.end, to.end, |at| bar.show(&doing(at), at.done, at.all)));
    bar.end();
    let tables = copied.map_err(Failure::Copy)?;
    tell(&from.name, &to.name, &tables, args.json)?;
    terminal::tell("the secrets in it stay sealed with the key that they had: keep `secrets_key`");
    if let Some(path) = made_key {
        terminal::tell(&format!("that key was made for the folder: `secrets_key = \"file:{}\"`", path.display()));
    }
    Ok(Exit::Ok)
}

fn side(argument: &str, text: &str, args: &StoreCopyArgs, environment: &Environment) -> Result<Side, Failure> {
    let text = secret_argument::read(argument, text, environment)?;
    let text = text.expose().trim();
    if let Some(folder) = text.strip_prefix("sqlite:").filter(|folder| !folder.is_empty()) {
        return Ok(Side { end: CopyEnd::Folder(PathBuf::from(folder)), name: text.to_owned() });
    }
    // What else it is may hold a password, and is not repeated.
    let expected = || Failure::Arguments(format!("{argument}: expected sqlite:FOLDER or postgres://…"));
    if !text.contains("://") {
        return Err(expected());
    }
    let mut options = PostgresOptions::parse(text).map_err(|why| Failure::Arguments(format!("{argument}: {why}")))?;
    if let Some(password) = &args.password {
        let password = secret_argument::read("--password", password, environment)?;
        options = options.with_password(password.expose());
    }
    if let Some(path) = options.root_certificates_at().map(PathBuf::from) {
        let pem = std::fs::read_to_string(&path).map_err(Failure::file(format!("read {}", path.display())))?;
        options = options.with_root_certificates(pem);
    }
    let name = format!("postgres://{}", options.server());
    Ok(Side { end: CopyEnd::Postgres(Box::new(options)), name })
}

/// The key that development mode made for a folder, where it did.
fn made_key(end: &CopyEnd) -> Option<PathBuf> {
    match end {
        CopyEnd::Folder(folder) => Some(folder.join(development::KEY_FILE)).filter(|path| path.exists()),
        CopyEnd::Postgres(_) => None,
    }
}

fn doing(at: CopyProgress) -> String {
    match at.doing {
        CopyStep::Copying => format!("copying {}", at.table),
        CopyStep::Completing => "making indices".to_owned(),
        CopyStep::Verifying => format!("verifying {}", at.table),
    }
}

fn tell(from: &str, to: &str, tables: &[CopiedTable], json: bool) -> Result<(), Failure> {
    let checksum = |table: &CopiedTable| format!("{:016x}", table.checksum);
    if json {
        let of = |table: &CopiedTable| OfTable { name: table.name, rows: table.rows, checksum: checksum(table) };
        return terminal::print_json(&Copied { from, to, tables: tables.iter().map(of).collect() });
    }
    let mut shown = Table::new(&["copied and verified", "rows", "checksum"]);
    tables.iter().for_each(|table| shown.row([table.name.to_owned(), table.rows.to_string(), checksum(table)]));
    shown.print("nothing")
}
