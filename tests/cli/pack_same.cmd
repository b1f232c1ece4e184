# the same bytes whatever the number of threads, the run, the name of the output
gen model m.safetensors
for how in --lossless "--bits 4" "--bits 8 --prune 0.5" "--bf16 --profile host" "--rank 8 --bits 6" \
    "--ternary" "--codebook 9" "--snr 14" "--fp8 e4m3 --per row" "--rank 4 --residual 3"; do
    mote pack m.safetensors -o a.mote --threads 1 --name n --sequence 1 --created 1700000000 $how 2>/dev/null
    for threads in 1 2 3 16; do
        SOURCE_DATE_EPOCH=1700000000 mote pack m.safetensors -o b.mote --threads $threads --name n --sequence 1 $how 2>/dev/null
        cmp a.mote b.mote && echo "$how: same with $threads"
    done
done
mote pack m.safetensors -o c.mote --name n --sequence 1 2>/dev/null
cmp -s a.mote c.mote || echo "without a time: other bytes"
gen big b.safetensors 256
mote pack b.safetensors -o b.mote --bits 5 --chunk 256 2>/dev/null
for threads in 1 2 7; do mote unpack b.mote -o $threads.safetensors --threads $threads 2>/dev/null; done
cmp 1.safetensors 2.safetensors && cmp 1.safetensors 7.safetensors && echo unpacked: same with 2 and 7
