# A rule says for some tensors what the command line says for all.
gen big b.safetensors 64
printf '{"*": {"bits": 8, "per": "row"}, "*": 1}' >twice.json
printf '{"*": {"bits": 8, "per": 32}}' >all.json
mote pack b.safetensors -o x.mote --rules all.json 2>/dev/null && mote pack b.safetensors -o y.mote --bits 8 --per 32 2>/dev/null && cmp x.mote y.mote && echo the same as on the command line
name=$(mote info x.mote --json | sed -n 's/^ *"name": "\(.*\)",$/\1/p' | head -1)
gen model m.safetensors
printf '{"*": {"bits": 8, "small": 0}, "[f-z]*": {"lossless": true}}' >but.json
mote pack m.safetensors -o x.mote --rules but.json 2>/dev/null && mote pack m.safetensors -o y.mote --bits 8 --small 0 --only '[!f-z]*' 2>/dev/null && cmp x.mote y.mote && echo the last one counts, alone
printf '{"%s": {"bits": 3, "prune": 0.5, "scales": "f16"}}' "$name" >one.json
mote pack b.safetensors -o x.mote --rules one.json 2>/dev/null && mote pack b.safetensors -o y.mote --bits 3 --prune 0.5 --scales f16 --only "$name" 2>/dev/null && cmp x.mote y.mote && echo the same as --only
for rules in '' '[]' '{}' '{"*": 8}' '{"*": {"bits": {}}}' '{"*": {"bits": null}}' '{"*": {"bits": 9}}' '{"*": {"no": 1}}' '{"*": {"bit": 1}}' \
    '{"*": {"lossless": "x"}}' '{"*": {"f16": true, "bf16": true}}' '{"*": {"name": "x"}}' '{"*": {"output": "x"}}' '{"*": {"help": true}}' \
    '{"*": {"bits": 4, "bits": 5}}' '{"x*y": {"bits": 4}}' '{"*": {"bits": 4}' '{"*": {"": 4}}' '{"*": {"per": "row"}}' '{"*": {" x": "row"}}'; do
    printf '%s' "$rules" >r.json
    t mote pack b.safetensors -o z.mote --rules r.json
done
t mote pack b.safetensors -o z.mote --rules twice.json
t mote pack b.safetensors -o z.mote --rules none.json
t mote pack b.safetensors -o z.mote --rules .
ls
