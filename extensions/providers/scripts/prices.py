#!/usr/bin/env python3
"""Makes prices.json: what a token costs, out of LiteLLM's and Pydantic's tables as their PyPI wheels package them.

    pip download --no-deps -d DIR litellm genai-prices
    python3 scripts/prices.py DIR/litellm-*.whl DIR/genai_prices-*.whl prices.json

LiteLLM's table has every provider but OpenRouter, whose rows are genai-prices'. Python 3.9 or later, no other package.
The wheels are read as zip files and never installed or imported; genai-prices' data is Python source, which is read as a
syntax tree and not run. Both are under the MIT license; their notices go to the file's header.
"""

import ast
import json
import re
import sys
import time
import zipfile

TABLE = "litellm/model_prices_and_context_window_backup.json"
DATA = "genai_prices/data.py"

# LiteLLM's name for a provider, and ours.
PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "xai": "xai",
    "moonshot": "moonshot",
    "dashscope": "qwen",
    "zai": "zai",
    "groq": "groq",
}
# Whose models are taken of OpenRouter's many.
MAKERS = {
    "anthropic", "openai", "google", "deepseek", "mistralai", "x-ai",
    "moonshotai", "qwen", "z-ai", "minimax", "meta-llama",
}
# No chat models for an agent, or copies under another name.
SKIP = re.compile(
    r"audio|realtime|search|image|vision-preview|tts|embed|moderation|transcri|instruct|ocr|ft:|guard"
    r"|deep-research|computer-use|live|robotics|lyria|veo|gemma|learnlm|-exp\b|-exp-|container|imagine"
    r"|voxtral|omni|-mt-",
    re.IGNORECASE,
)
DATED = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d)$")
COLUMNS = ["input", "cached", "write", "output", "reasoning", "window", "max_tokens", "long"]
# LiteLLM's names for the first five columns, in dollars per token.
LITELLM = [
    "input_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "output_cost_per_token",
    "output_cost_per_reasoning_token",
]
# genai-prices' names for the first four, in dollars per million.
GENAI = ["input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok"]


def short(values):
    """Whole numbers without a point, and no unknowns at the end."""
    values = [int(v) if isinstance(v, float) and v == int(v) else v for v in values]
    while values and values[-1] in (None, []):
        values.pop()
    return values


def rates(values):
    """The five prices of one length of prompt. A reasoning price that is the output's says nothing; a price of 0 for
    writing means that none is listed, for the tokens are billed as input all the same."""
    values = [None if v is None else round(float(v), 6) for v in values]
    if values[4] == values[3]:
        values[4] = None
    if values[2] == 0:
        values[2] = None
    return values


def row(first, long, window, max_tokens):
    """A model's line. `long` maps a length to the prices of all tokens of a longer prompt."""
    tiers = [short([above] + long[above]) for above in sorted(long) if long[above] != first]
    return short(first + [window, max_tokens, tiers])


def of_litellm(entry):
    per_million = lambda values: rates([v and float(v) * 1e6 for v in values])
    count = lambda name: int(entry[name]) if isinstance(entry.get(name), (int, float)) and entry[name] else None
    tiers, long = entry.get("tiered_pricing") or [], {}
    first = {**entry, **(tiers[0] if tiers else {})}
    for tier in tiers[1:]:
        long[int(tier["range"][0])] = per_million([tier.get(name) for name in LITELLM])
    for name in entry:
        above = re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", name)
        if above:
            names = [f"{name}_above_{above[1]}k_tokens" for name in LITELLM]
            long[int(above[1]) * 1000] = per_million([entry.get(name) for name in names])
    # What is not listed for a long prompt is not known to be cheaper than for a short one.
    first = per_million([first.get(name) for name in LITELLM])
    for prices in long.values():
        prices[3] = prices[3] if prices[3] is not None else first[3]
    window = count("max_input_tokens") or count("max_tokens")
    return row(first, long, window, count("max_output_tokens"))


def is_wanted(key, entry, today):
    return (
        entry.get("litellm_provider") in PROVIDERS
        and entry.get("mode") in ("chat", "responses")
        and not SKIP.search(key)
        and (entry.get("deprecation_date") or "9") >= today
        and entry.get("supports_function_calling") is not False
    )


def litellm(wheel, today):
    """{provider: {model: row}} of all but OpenRouter."""
    with zipfile.ZipFile(wheel) as archive:
        table = json.loads(archive.read(TABLE))
    models = {}
    for key, entry in sorted(table.items()):
        if not is_wanted(key, entry, today):
            continue
        provider = PROVIDERS[entry["litellm_provider"]]
        prefix = entry["litellm_provider"] + "/"
        name = key[len(prefix):] if key.startswith(prefix) else key
        # A region or a size, as in us/gpt-x; Groq alone keeps the maker in its own names.
        if name.count("/") > (1 if provider == "groq" else 0):
            continue
        values = of_litellm(entry)
        if len(values) >= 4 and values[0] and values[3]:
            models.setdefault(provider, {})[name] = values
    return models


def fields(call):
    return {keyword.arg: keyword.value for keyword in call.keywords}


def plain(node):
    return node.value if isinstance(node, ast.Constant) else None


def number(node):
    """`Decimal('0.1')` as a number; None if there is none."""
    return float(node.args[0].value) if isinstance(node, ast.Call) else None


def tiered(node):
    """(price of a short prompt, {length: price of a longer one})."""
    if not (isinstance(node, ast.Call) and node.func.id == "TieredPrices"):
        return number(node), {}
    parts = fields(node)
    tiers = [fields(tier) for tier in parts["tiers"].elts]
    return number(parts["base"]), {plain(tier["start"]): number(tier["price"]) for tier in tiers}


def of_genai(prices, window):
    columns = [tiered(prices.get(name)) for name in GENAI]
    first = rates([base for base, _ in columns] + [None])
    long = {}
    for above in {above for _, tiers in columns for above in tiers}:
        at = lambda base, tiers: next((tiers[a] for a in sorted(tiers, reverse=True) if a <= above), base)
        long[above] = rates([at(base, tiers) for base, tiers in columns] + [None])
    return row(first, long, window, None)


def openrouter(wheel):
    """{model: row} of OpenRouter."""
    with zipfile.ZipFile(wheel) as archive:
        tree = ast.parse(archive.read(DATA))
    is_provider = lambda node: isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Provider"
    providers = [fields(node) for node in ast.walk(tree) if is_provider(node)]
    listed = next(p["models"].elts for p in providers if plain(p["id"]) == "openrouter")
    rows = {}
    for model in map(fields, listed):
        name, prices = plain(model["id"]), model["prices"]
        maker = name.split("/")[0]
        if maker not in MAKERS or ":" in name or SKIP.search(name) or plain(model.get("deprecated")):
            continue
        if isinstance(prices, ast.List):  # By date or hour: the one without a condition, or the last.
            parts = [fields(part) for part in prices.elts]
            free = [part for part in parts if plain(part.get("constraint")) is None]
            prices = (free or parts[-1:])[0]["prices"]
        values = of_genai(fields(prices), plain(model.get("context_window")))
        if len(values) >= 4 and values[0] is not None and values[3] is not None:
            rows[name] = values
    return rows


def notice(wheel):
    """The copyright line of a wheel's license."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith("dist-info/licenses/LICENSE"))
        text = archive.read(name).decode()
    return re.search(r"Copyright \(c\) .*", text)[0].strip()


def version(wheel):
    name, number = re.search(r"([^/]+?)-([0-9][^-]*)-", wheel).groups()
    return f"{name} {number}"


def header(wheels, today):
    return {
        "source": "LiteLLM's model_prices_and_context_window.json; openrouter: genai-prices; from their PyPI wheels",
        "versions": [version(wheel) for wheel in wheels],
        "made": today,
        "unit": "US dollars per million tokens; window, max_tokens and the lengths in tokens",
        "columns": COLUMNS,
        "note": "null and what is missing at the end: not known; reasoning only where it differs from output; long: "
        "[more than so many tokens of prompt, input, cached, write, output, reasoning], for the whole request",
        "license": "MIT: " + "; ".join(f"{version(w).split()[0]} {notice(w)}" for w in wheels) + "; see PRICES-NOTICE",
    }


def written(head, models):
    """JSON with a line a model."""
    blocks = []
    for provider in sorted(models):
        rows = [f"{json.dumps(n)}:{json.dumps(v, separators=(',', ':'))}" for n, v in sorted(models[provider].items())]
        blocks.append(f"{json.dumps(provider)}: {{\n" + ",\n".join(rows) + "\n}")
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items())
    return '{"header": {\n' + lines + '\n},\n"models": {\n' + ",\n".join(blocks) + "\n}}\n"


def main(first, second, target):
    today = time.strftime("%Y-%m-%d")
    models = litellm(first, today)
    models["openrouter"] = openrouter(second)
    # A dated copy of a model that stands there undated, with the same numbers, adds nothing.
    for rows in models.values():
        for name in [name for name in rows if rows.get(DATED.sub("", name)) == rows[name] and DATED.search(name)]:
            del rows[name]
    text = written(header([first, second], today), models)
    json.loads(text)
    with open(target, "w") as file:
        file.write(text)
    print(f"{target}: {len(text)} bytes,", {provider: len(rows) for provider, rows in sorted(models.items())})


main(*sys.argv[1:4])
