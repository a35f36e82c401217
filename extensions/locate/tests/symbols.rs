//! Names that files define, language by language.

use corecoder_locate::language::{Symbols, of_path};

fn check(path: &str, text: &str, expected: &[&str]) {
    let (place, _) = of_path(path).expect("the ending is known");
    let mut found = Vec::new();
    Symbols::new().each(place, text.as_bytes(), |start, end| {
        found.push(&text[start..end])
    });
    assert_eq!(found, expected, "{path}: {text}");
}

#[test]
fn definitions_are_found_in_each_language() {
    let rows: [(&str, &str, &[&str]); 46] = [
        ("a.rs", "fn one() {}", &["one"]),
        ("a.rs", "pub(crate) async unsafe fn two() {}", &["two"]),
        ("a.rs", "    pub const fn three() {}", &["three"]),
        ("a.rs", "pub extern \"C\" fn four() {}", &["four"]),
        (
            "a.rs",
            "pub struct Five;\nenum Six {}\nunion Seven {}",
            &["Five", "Six", "Seven"],
        ),
        (
            "a.rs",
            "trait Eight {}\nimpl<T> Eight for Vec<T> {}",
            &["Eight", "Vec"],
        ),
        ("a.rs", "impl Nine {", &["Nine"]),
        ("a.rs", "macro_rules! ten {", &["ten"]),
        (
            "a.rs",
            "const A: u8 = 1;\nstatic mut B: u8 = 2;\ntype C = u8;\nmod d;",
            &["A", "B", "C", "d"],
        ),
        ("a.rs", "let x = fn_call();\ncall(fn_ptr)", &[]),
        (
            "a.py",
            "def one():\n    async def two(self):",
            &["one", "two"],
        ),
        ("a.py", "class Three(Base):", &["Three"]),
        (
            "a.py",
            "FOUR = 4\nfive: int = 5\nif x == 1:",
            &["FOUR", "five"],
        ),
        ("a.go", "func One() {}", &["One"]),
        ("a.go", "func (s *Server) Two(x int) error {", &["Two"]),
        (
            "a.go",
            "type Three struct {\nvar four = 4\nconst five = 5",
            &["Three", "four", "five"],
        ),
        ("a.go", "const (\n\tsix = iota\n)", &["six"]),
        ("a.ts", "export function one() {}", &["one"]),
        ("a.ts", "export default async function two() {}", &["two"]),
        ("a.ts", "export abstract class Three {", &["Three"]),
        (
            "a.ts",
            "interface Four {}\ntype Five = string\nenum Six {}",
            &["Four", "Five", "Six"],
        ),
        ("a.js", "const seven = () => {}", &["seven"]),
        (
            "a.ts",
            "  private async eight(x: number): Promise<void> {",
            &["eight"],
        ),
        ("a.js", "  if (x) {\n  for (;;) {\n  while (y) {", &[]),
        ("a.js", "  get nine() {", &["nine"]),
        ("a.c", "int one(void) {", &["one"]),
        ("a.c", "static char *two(int a,\n    int b)\n{", &["two"]),
        ("a.c", "three(a, b)\n{", &["three"]),
        (
            "a.c",
            "#define FOUR 4\n# define FIVE(x) x",
            &["FOUR", "FIVE"],
        ),
        (
            "a.c",
            "struct six {\nenum seven {\ntypedef struct eight {",
            &["six", "seven", "eight"],
        ),
        ("a.c", "typedef struct {\n  int x;\n} nine;", &["nine"]),
        ("a.c", "int prototype(void);", &[]),
        ("a.cpp", "class Ten : public Base {", &["Ten"]),
        ("a.cpp", "void Ten::eleven(int x) const {", &["eleven"]),
        ("a.cpp", "namespace twelve {", &["twelve"]),
        ("A.java", "public class One extends Two {", &["One"]),
        (
            "A.java",
            "    public static void main(String[] args) {",
            &["main"],
        ),
        (
            "A.kt",
            "fun one() {}\ndata class Two(val x: Int)",
            &["one", "Two"],
        ),
        ("A.cs", "    public async Task<int> Run(int x)", &["Run"]),
        ("a.swift", "public func one() {", &["one"]),
        (
            "a.rb",
            "def one\nclass Two\nmodule Three",
            &["one", "Two", "Three"],
        ),
        ("a.sh", "function one {\ntwo() {", &["one", "two"]),
        (
            "a.lua",
            "local function one()\nfunction two.three()",
            &["one", "two.three"],
        ),
        ("a.hs", "one :: Int -> Int", &["one"]),
        ("a.md", "# Title\n## Second part", &["Title", "Second"]),
        ("a.toml", "[package]\nname = 1", &["package"]),
    ];
    for (path, text, expected) in rows {
        check(path, text, expected);
    }
}
