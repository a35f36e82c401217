//! Variables that change what a command runs, so that a rule for the command is not enough.
//!
//! The invariant: what is not on the list only changes what the named program does.

/// Bash evaluates what is assigned to its own numbers, commands in it included.
/// A name that ends in `*` is a beginning. Most are in the manuals of bash(1), ld.so(8) and
/// git(1), the rest in those of the tools that they begin with.
const HOT: &str = "PATH LD_* DYLD_* BASH_* BASHOPTS SHELLOPTS ENV IFS CDPATH PS0 PS1 PS2 PS4 \
    PROMPT_COMMAND GLOBIGNORE SHELL HOME XDG_* GIT_* PAGER MANPAGER MANOPT EDITOR VISUAL FCEDIT \
    BROWSER LESS LESSOPEN LESSCLOSE LESSKEY* LESSSECURE SSH_ASKPASS SUDO_ASKPASS SUDO_EDITOR \
    PYTHON* PIP_* UV_* PYTEST_* VIRTUAL_ENV POETRY_* NODE_OPTIONS NODE_PATH NPM_* npm_* YARN_* \
    COREPACK_* BUN_* DENO_* PERL5* PERLLIB RUBY* GEM_* BUNDLE_* PHP* JAVA_* _JAVA_OPTIONS JDK_* \
    CLASSPATH MAVEN_* GRADLE_* GO* CGO_* RUSTC* RUSTDOC* RUSTFLAGS RUSTUP_* CARGO CARGO_* CC CXX \
    CPP LD AR AS CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MAKE* MFLAGS GNUMAKEFLAGS CMAKE_* CTEST_* \
    NINJA* DOCKER_* KUBECONFIG KUBECTL_* HELM_* TF_* DOTNET_* MSBUILD* COMPILER_PATH GCC_* \
    LIBRARY_PATH CPATH TAR_OPTIONS GREP_OPTIONS RSYNC_* RIPGREP_CONFIG_PATH GCONV_PATH LOCPATH \
    NLSPATH TERMINFO* TERMCAP OPENSSL_* GH_* PGSERVICE* ESLINT* PRETTIER* BAT_* FZF_* \
    HOSTALIASES MALLOC_* TMUX* ZDOTDIR COMSPEC WGETRC CURL_HOME INPUTRC CORECODER_* \
    RANDOM SRANDOM SECONDS LINENO HISTCMD OPTIND EPOCH* UID EUID PPID";
/// Those that begin so but only change what is printed, or how fast.
const COOL: &str = "GIT_AUTHOR_* GIT_COMMITTER_* GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS \
    CARGO_TERM_* CARGO_INCREMENTAL CARGO_BUILD_JOBS CARGO_NET_OFFLINE CARGO_NET_RETRY \
    CARGO_PROFILE_* CARGO_TARGET_DIR PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYTHONHASHSEED PYTHONIOENCODING \
    PYTHONUTF8 PYTHONFAULTHANDLER PYTHONNOUSERSITE PIP_NO_INPUT PIP_QUIET GOOS GOARCH GOMAXPROCS \
    GOGC GOMEMLIMIT GOTRACEBACK GRADLE_USER_PROMPT NPM_CONFIG_LOGLEVEL npm_config_loglevel \
    DOTNET_NOLOGO DOTNET_CLI_TELEMETRY_OPTOUT TF_IN_AUTOMATION TF_INPUT";

/// Whether `NAME=value` changes what runs.
pub fn is_hot(assignment: &str) -> bool {
    let name = name(assignment);
    listed(HOT, name) && !listed(COOL, name)
}

/// The name in `NAME=value` or `NAME+=value`.
pub fn name(assignment: &str) -> &str {
    let name = assignment.split('=').next().unwrap_or_default();
    name.trim_end_matches('+')
}

fn listed(list: &str, name: &str) -> bool {
    list.split(' ').any(|item| match item.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => item == name,
    })
}
