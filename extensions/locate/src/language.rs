//! What is known of languages: their endings, how a comment begins, and how a definition looks.
//!
//! Symbols are found by one regular expression for each family. It looks at lines as people write them, not at
//! grammar: a definition that is missed costs a little of a score, never an answer.

use regex::bytes::{Regex, RegexBuilder};

/// A family of languages that comment and define alike.
pub struct Language {
    /// Prose, settings and markup, which are written beside a program.
    pub prose: bool,
    /// What begins a comment that ends with its line.
    pub line: &'static [&'static [u8]],
    /// What opens and what closes a comment.
    pub block: &'static [(&'static [u8], &'static [u8])],
    /// Whose one group that takes part is a defined name.
    pattern: &'static str,
}

const C_BLOCK: &[(&[u8], &[u8])] = &[(b"/*", b"*/")];

const RUST: Language = Language {
    prose: false,
    line: &[b"//"],
    block: C_BLOCK,
    pattern: r#"^[ \t]*(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:(?:default|async|const|unsafe|extern(?:[ \t]+"[^"\n]*")?)[ \t]+)*(?:fn|struct|enum|union|trait|mod|type|const|static(?:[ \t]+mut)?|macro_rules!)[ \t]+(\w+)|^[ \t]*(?:unsafe[ \t]+)?impl\b(?:<[^{\n]*?>)?[ \t]+(?:[^{\n]*?[ \t]for[ \t]+)?(?:&|mut |dyn )*(\w+)"#,
};
const PYTHON: Language = Language {
    prose: false,
    line: &[b"#"],
    block: &[(b"\"\"\"", b"\"\"\""), (b"'''", b"'''")],
    pattern: r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[^=]",
};
const GO: Language = Language {
    prose: false,
    line: &[b"//"],
    block: C_BLOCK,
    pattern: r"^func[ \t]*(?:\([^)\n]*\)[ \t]*)?(\w+)|^(?:type|var|const)[ \t]+(\w+)|^\t(\w+)[ \t]+(?:=|struct[ \t]*\{|interface[ \t]*\{|func\()",
};
const SCRIPT: Language = Language {
    prose: false,
    line: &[b"//"],
    block: C_BLOCK,
    pattern: r"^[ \t]*(?:export[ \t]+)?(?:default[ \t]+)?(?:(?:declare|abstract|async)[ \t]+)*(?:function\*?|class|interface|type|enum|namespace|module|const|let|var)[ \t]+([\w$]+)|^[ \t]+(?:(?:public|private|protected|static|async|readonly|override|get|set)[ \t]+)*\*?#?([\w$]+)[ \t]*(?:<[^>\n]*>)?\([^;{}\n]*\)[^;{}\n]*\{[ \t]*\r?$",
};
const C: Language = Language {
    prose: false,
    line: &[b"//"],
    block: C_BLOCK,
    pattern: r"^#[ \t]*define[ \t]+(\w+)|^(?:[A-Za-z_][\w \t*&:<>,~]*?[ \t*&:~])?(\w+)[ \t]*\([^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*\)[ \t\w]*(?:\r?\n)?\{|^[ \t]*(?:typedef[ \t]+)?(?:struct|enum|union|class|namespace)(?:[ \t]+class)?[ \t]+(\w+)[^;(){}\n]*(?:\n[ \t]*)?\{|^\}[ \t]*(\w+);",
};
const JAVA: Language = Language {
    prose: false,
    line: &[b"//"],
    block: C_BLOCK,
    pattern: r"^[ \t]*(?:[\w@<>,\[\]?]+[ \t]+)*(?:class|interface|enum|record|struct|namespace|object|trait|protocol|extension|actor|fun|func|def|val|var|typealias|type|delegate|init)[ \t]+(\w+)|^[ \t]+(?:[\w<>,\[\]?.]+[ \t]+)+(\w+)[ \t]*\([^;{}\n]*\)[^;{}\n]*\{?[ \t]*\r?$",
};
const HASH: Language = Language {
    prose: false,
    line: &[b"#"],
    block: &[],
    pattern: r"^[ \t]*(?:function|def|class|module|sub|package|let|rule|proc)[ \t]+([\w.]+)|^[ \t]*([\w-]+)[ \t]*\(\)[ \t]*\{?",
};
const DASH: Language = Language {
    prose: false,
    line: &[b"--", b";"],
    block: &[],
    pattern: r"^[ \t]*(?:local[ \t]+)?(?:function|module|data|newtype|class|type|create[ \t]+(?:table|view|function))[ \t]+([\w.:]+)|^[ \t]*\(def\w*[ \t]+([\w-]+)|^(\w+)[ \t]+::",
};
/// Prose, settings and markup: no comments to tell apart, headings as names.
const TEXT: Language = Language {
    prose: true,
    line: &[],
    block: &[],
    pattern: r"^#{1,6}[ \t]+(\w+)|^\[([\w.-]+)\]",
};

/// Endings, and the language they mean.
const ENDINGS: [(&[&str], &Language); 9] = [
    (&["rs"], &RUST),
    (&["py", "pyi", "pyx"], &PYTHON),
    (&["go"], &GO),
    (
        &[
            "ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts", "vue", "svelte",
        ],
        &SCRIPT,
    ),
    (
        &[
            "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "m", "mm", "y", "l", "cu", "glsl",
            "ino", "zig", "d",
        ],
        &C,
    ),
    (
        &[
            "java", "kt", "kts", "cs", "scala", "swift", "php", "dart", "groovy", "gradle", "proto",
        ],
        &JAVA,
    ),
    (
        &[
            "sh", "bash", "zsh", "fish", "rb", "pl", "pm", "r", "jl", "jq", "ex", "exs", "cmake",
            "nix", "tf", "awk", "mk", "py3", "tcl", "coffee", "cr", "nim", "ps1",
        ],
        &HASH,
    ),
    (
        &[
            "lua", "hs", "sql", "elm", "scm", "lisp", "clj", "cljs", "el", "rkt", "erl", "ml",
            "mli", "fs", "adb", "vhd",
        ],
        &DASH,
    ),
    (
        &[
            "md", "mdx", "rst", "txt", "adoc", "toml", "yml", "yaml", "json", "ini", "cfg", "html",
            "css", "scss", "less", "xml",
        ],
        &TEXT,
    ),
];

/// The language of an ending in lower case, with its place in the table; `None` for what is not searched.
pub fn of_ending(ending: &str) -> Option<(usize, &'static Language)> {
    let found = ENDINGS
        .iter()
        .enumerate()
        .find(|(_, (endings, _))| endings.contains(&ending));
    found.map(|(place, (_, language))| (place, *language))
}

/// The language of a file by its name.
pub fn of_path(path: &str) -> Option<(usize, &'static Language)> {
    let (_, ending) = path.rsplit_once('.')?;
    of_ending(&ending.to_ascii_lowercase())
}

/// Words that look like a method's name to [`Language::pattern`] and never are one.
const NO_NAMES: [&[u8]; 14] = [
    b"if",
    b"for",
    b"while",
    b"switch",
    b"catch",
    b"return",
    b"else",
    b"do",
    b"with",
    b"try",
    b"function",
    b"using",
    b"lock",
    b"await",
];

/// Finds the names that files of a language define. It compiles a pattern when it is first needed and lives as long as
/// the work of one thread, since globals are not wanted.
#[derive(Default)]
pub struct Symbols {
    patterns: [Option<Regex>; ENDINGS.len()],
}

impl Symbols {
    /// Nothing is compiled yet.
    pub fn new() -> Symbols {
        Symbols::default()
    }

    /// Tells where each name that is defined in `text` begins and ends, in order.
    pub fn each(&mut self, place: usize, text: &[u8], mut found: impl FnMut(usize, usize)) {
        let pattern = self.patterns[place].get_or_insert_with(|| compile(ENDINGS[place].1.pattern));
        // One set of places for all matches, since making one for each takes longer than the search.
        let mut groups = pattern.capture_locations();
        let mut at = 0;
        while let Some(whole) = pattern.captures_read_at(&mut groups, text, at) {
            at = whole.end().max(at + 1);
            let name = (1..groups.len()).find_map(|group| groups.get(group));
            if let Some((start, end)) = name
                && !NO_NAMES.contains(&&text[start..end])
            {
                found(start, end);
            }
            if at > text.len() {
                return;
            }
        }
    }
}

fn compile(pattern: &str) -> Regex {
    let mut builder = RegexBuilder::new(pattern);
    builder.multi_line(true).unicode(false);
    builder.build().expect("the table's patterns are tested")
}
