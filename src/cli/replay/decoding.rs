//! The options that say how the records of recorded events are written.

use std::path::Path;

use clap::ValueEnum;

use crate::cli::Misuse;
use crate::codec::{Format, csv, regex};
use crate::source::Decoding;
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::source::recording;

/// How the records of the inputs are written.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How the inputs are written")]
pub struct DecodingArgs {
    /// The format of all inputs. Without it the name of each file tells: `.csv`, `.tsv` and `.logfmt`,
    /// also before `.gz` and `.zst`; anything else holds JSON
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,

    /// What stands between the cells of CSV: one character, or `tab` [default: `,`]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,

    /// The names of the columns of CSV, for files without a header
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,

    /// The expression that takes text apart; its groups, as in `(?<user>\w+)`, are named after what
    /// fields read
    #[arg(long, value_name = "REGEX", required_if_eq("format", "regex"))]
    pattern: Option<String>,

    /// How records are told from each other. Without it CSV is cut as CSV, so that cells in quotation
    /// marks may hold line ends, and everything else is cut into lines
    #[arg(long, value_name = "FRAMING")]
    framing: Option<FramingName>,

    /// How the inputs are compressed. Without it the name of each file tells: `.gz` and `.zst`
    #[arg(long, value_name = "COMPRESSION")]
    compression: Option<CompressionName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// JSON objects
    Json,
    /// Comma-separated values
    Csv,
    /// Keys and values: `level=info msg="card read"`
    Logfmt,
    /// Messages of syslog, RFC 5424 or RFC 3164
    Syslog,
    /// Text that a regular expression takes apart
    Regex,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum FramingName {
    /// A record a line
    Lines,
    /// Records of CSV, whose cells may hold line ends
    Csv,
    /// Messages behind their length in digits, as syslog over TCP (RFC 6587)
    OctetCounting,
    /// Records behind their length in four bytes, the most significant first
    LengthPrefixed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CompressionName {
    /// Not at all
    None,
    /// As gzip does
    Gzip,
    /// As zstd does
    Zstd,
}

impl DecodingArgs {
    /// How each of these files is written.
    pub fn of<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<Vec<Decoding>, Misuse> {
        let decodings: Vec<Decoding> = paths.map(|path| self.of_one(path)).collect::<Result<_, _>>()?;
        let any_csv = decodings.iter().any(|decoding| matches!(decoding.format, Format::Csv(_)));
        let given = [("--delimiter", self.delimiter.is_some()), ("--columns", self.columns.is_some())];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given && !any_csv) {
            return Err(Misuse(format!("`{option}` is about CSV, and no input is CSV; add `--format csv`")));
        }
        Ok(decodings)
    }

    fn of_one(&self, path: &Path) -> Result<Decoding, Misuse> {
        let format = match (&self.pattern, self.format) {
            (Some(pattern), None | Some(FormatName::Regex)) => {
                let settings = regex::Settings::new(pattern);
                Format::Regex(settings.map_err(|why| Misuse(format!("`--pattern`: {why}")))?)
            }
            (Some(_), Some(_)) => {
                let why = "`--pattern` takes text apart, so that `--format` can only be `regex`";
                return Err(Misuse(why.to_owned()));
            }
            (None, None) => self.with_options(recording::format(path))?,
            (None, Some(FormatName::Csv)) => self.with_options(Format::Csv(csv::Settings::default()))?,
            (None, Some(FormatName::Logfmt)) => Format::Logfmt,
            (None, Some(FormatName::Syslog)) => Format::Syslog,
            (None, Some(FormatName::Json)) => Format::Json,
            (None, Some(FormatName::Regex)) => unreachable!("an expression is required for it"),
        };
        let framing = match (self.framing, &format) {
            (Some(FramingName::Lines), _) => Framing::Lines,
            (Some(FramingName::OctetCounting), _) => Framing::OctetCounting,
            (Some(FramingName::LengthPrefixed), _) => Framing::LengthPrefixed,
            (None | Some(FramingName::Csv), Format::Csv(settings)) => {
                Framing::Csv { delimiter: settings.delimiter() }
            }
            (Some(FramingName::Csv), _) => Framing::Csv { delimiter: b',' },
            (None, _) => Framing::Lines,
        };
        let compression = match self.compression {
            None => Compression::of_path(path),
            Some(CompressionName::None) => Compression::None,
            Some(CompressionName::Gzip) => Compression::Gzip,
            Some(CompressionName::Zstd) => Compression::Zstd,
        };
        Ok(Decoding { format, framing, compression })
    }

    /// The same format with what the options say of CSV.
    fn with_options(&self, format: Format) -> Result<Format, Misuse> {
        let Format::Csv(settings) = format else { return Ok(format) };
        let delimiter = match self.delimiter.as_deref() {
            None => settings.delimiter(),
            Some("tab") => b'\t',
            // What is not one byte is none that the settings take.
            Some(text) => <[u8; 1]>::try_from(text.as_bytes()).map_or(0, |[byte]| byte),
        };
        let columns = self.columns.as_ref().map(|names| names.iter().map(Into::into).collect());
        let settings = csv::Settings::new(delimiter, columns);
        Ok(Format::Csv(settings.map_err(|why| Misuse(format!("the options for CSV: {why}")))?))
    }
}
