gen model m.safetensors
t mote pack m.safetensors -o x.mote 2>&1 | mask
t mote pack m.safetensors -o x.mote --bits 4 --name kws --sequence 3 2>&1 | mask
t mote pack m.safetensors -o x.mote --bits 8 --per tensor --zero-point --scales f16 2>&1 | mask
t mote pack m.safetensors -o x.mote --bits 5 --per 32 2>&1 | mask
t mote pack m.safetensors -o x.mote --f16 2>&1 | mask
t mote pack m.safetensors -o x.mote --bf16 2>&1 | mask
t mote pack m.safetensors -o x.mote --prune 0.5 2>&1 | mask
t mote pack m.safetensors -o x.mote --threshold 0.01 --bits 16 2>&1 | mask
t mote pack m.safetensors -o x.mote --bits 4 --only 'fc.*' --only nothing 2>&1 | mask
t mote pack m.safetensors -o x.mote --json --only fc.weight --bits 6 | sed -n "1,16p" | mask
t mote pack m.safetensors -o x.mote --json | sed -n "1,42p" | mask
