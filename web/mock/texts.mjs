// What the mock answers: a piece for each thing that the page must be able to show.

export const story =
  "Once upon a time, a small fox lived under an old oak tree. One summer day he found a green necklace between the stones. " +
  "He carried it from door to door, and everybody shook their heads, until he met a girl who was crying by the river. " +
  "“You found it!” she said, and gave him a honey cake.\n\nThe fox went home with sticky paws, and was glad that he had not kept it.";

export const showcase = `Here is **everything** that an answer may hold, with a [link](https://example.com/) and \`inline code\`.

## A table

| layout | bits | bytes per weight | comment |
| :-- | --: | --: | :-- |
| bf16 | 16 | 2.00 | as it comes |
| q8 | 8 | 1.06 | groups of 32 |
| q4 | 4 | 0.56 | groups of 64 |

## Code

\`\`\`cpp
// Root-mean-square normalisation over the last axis.
float rms(std::span<const float> x, float eps = 1e-6f) {
  float sum = 0;
  for (float value : x) sum += value * value;
  return std::sqrt(sum / x.size() + eps);
}
\`\`\`

\`\`\`python
def greet(name: str) -> str:
    return f"Hello, {name}!"  # 42
\`\`\`

## Maths

Inline $e^{i\\pi} + 1 = 0$, prices like $5 and $6 stay, and a display:

$$
\\mathrm{softmax}(x)_i = \\frac{e^{x_i}}{\\sum_{j=1}^{n} e^{x_j}}
$$

1. first
2. second
   - nested
- [x] done
- [ ] to do

> A quotation, to end with.`;

export const hostile = `<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">
[click](javascript:window.pwned=3) ![track](https://example.com/pixel.png)
<a href="https://example.com" onclick="window.pwned = 4" style="position:fixed">a</a>
<iframe src="https://example.com"></iframe><svg onload="window.pwned = 5"></svg>`;

export const thoughts =
  "The reader asks something that wants a little thought. First I should see what is known. Then I should check it. " +
  "A short answer is best, since the question is short.";
