//! `npc man`: writes the manual pages of npc, one for each command.

use super::error::CommandResult;
use super::terminal::print;
use crate::base::atomic::write_named_file;
use crate::base::count::counted;
use crate::base::error::RunError;
use crate::base::input_files::check_replaces_own;
use crate::show::help_sections::HelpSections;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::io;
use std::path::PathBuf;

/// Write manual pages, one for each command
#[derive(Args)]
#[command(
    after_help = "The pages say what --help says. DIR is made where it does not exist, and pages of npc that it holds are
replaced; other files are not. `man` finds pages in a folder `man1` of a folder of MANPATH.

Examples:
  npc man --out ~/.local/share/man/man1
  npc man --out man && man man/npc-check.1

Exit codes: 0 success, 1 a page cannot be written, 2 wrong usage"
)]
pub(super) struct ManOptions {
    /// Folder of the pages
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes a page for the program, and one for each of its commands; `npc` is the whole command line.
pub(super) fn run(opts: &ManOptions, npc: Command) -> CommandResult {
    let mut npc = npc.disable_help_subcommand(true);
    npc.build();
    let mut pages = Vec::new();
    pages_below(&npc, &mut pages);
    let unwritten = |e| RunError::write(&opts.out, e);
    let texts = pages.iter().map(page).collect::<io::Result<Vec<_>>>().map_err(unwritten)?;
    std::fs::create_dir_all(&opts.out).map_err(|e| RunError::create_dir(&opts.out, e))?;
    let is_page = |text: &str| text.lines().any(|line| line.starts_with(".TH npc"));
    texts.iter().try_for_each(|(name, _)| check_replaces_own(&opts.out.join(name), "a manual page", is_page))?;
    for (name, text) in &texts {
        write_named_file(&opts.out.join(name), text)?;
    }
    print(&format!("{} in {}\n", counted(texts.len(), "page"), opts.out.display()))
}

/// Collects a command and all commands below it.
fn pages_below(command: &Command, pages: &mut Vec<Command>) {
    pages.push(command.clone());
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| pages_below(below, pages));
}

/// Returns the file name of a command's page, and the page in roff.
fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let sections = HelpSections::of(&help);
    let command = command.clone().long_about(format!("{about}.\n\n{}", sections.description.trim_end()));
    let man = Man::new(command.clone());
    // By hand, since roff leaves out an empty date and the version would take its place.
    let title = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut text = format!(".TH {title} 1 \"\" \"npc {}\" \"npc manual\"\n", env!("CARGO_PKG_VERSION")).into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut text)?;
    }
    let exit_codes = Some(sections.exit_codes).filter(|codes| !codes.is_empty()).into_iter().collect();
    let mut rest = Roff::new();
    for (title, lines) in [("EXAMPLES", sections.examples), ("EXIT STATUS", exit_codes)] {
        if lines.is_empty() {
            continue;
        }
        // Lines of a shell keep their ends; roff would fill them as it fills prose.
        rest.control("SH", [title]).control("nf", []);
        for line in &lines {
            rest.text([roman(line.trim_start())]);
        }
        rest.control("fi", []);
    }
    rest.to_writer(&mut text)?;
    Ok((man.get_filename(), text))
}
