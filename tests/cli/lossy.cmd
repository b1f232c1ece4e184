# The error that pack states is the error that unpack gives.
gen big b.safetensors 64
for how in "--bits 1" "--bits 2 --per 128" "--bits 3" "--bits 4 --per tensor" "--bits 8 --scales f16" "--bits 16" \
    "--bits 5 --zero-point --per 64 --scales bf16" "--prune 0.7" "--prune 0.9 --bits 6" "--threshold 0.03 --bits 8" \
    "--ternary" "--binary --per 64" "--codebook 16" "--codebook 3 --book-rows 8 --scales f16" "--nf4" "--fp8 e4m3 --per row" \
    "--nm 2:4" "--nm 1:3 --bits 4" "--prune-rows 0.3 --bits 8" \
    "--snr 20" "--snr 12 --trellis 256 --native 8" "--step 0.02 --trellis 8" "--snr 30 --trellis 1" "--rank 8" "--energy 0.5" "--rank 16 --bits 8" "--rank 4 --residual 4" "--rank 4 --bits 8 --residual 6 --prune 0.9"; do
    for profile in nano std host; do
        case "$how $profile" in --codebook*nano | *--residual*nano | --nf4*nano | --fp8*per*nano) continue ;;
        *--per\ [1-9]*nano | --bits\ 16*nano | *--zero-point*nano) continue ;; esac
        mote pack b.safetensors -o x.mote $how --profile $profile --json >report && mote unpack x.mote -o y.safetensors 2>/dev/null
        stated=$(sed -n 's/^  "snr_db": \(.*\),/\1/p' report)
        real=$(gen snr b.safetensors y.safetensors)
        echo "$how, $profile: $(awk -v a="$stated" -v b="$real" \
            'BEGIN { d = a - b; if (a != "" && d * d < 0.0004) print "right"; else print "stated", a, "real", b }')"
    done
done
for how in --f16 --bf16; do
    mote pack b.safetensors -o x.mote $how --json >report
    mote info x.mote | grep -c " ${how#--} "
done
mote pack b.safetensors -o x.mote --fp8 e5m2 --json >report
mote info x.mote | grep -c " f8_e5m2 "
# Trellis: the error is the one asked for, native values are few, importance moves errors
for db in 9 15.5 24; do
    mote pack b.safetensors -o x.mote --snr $db --json >report
    sed -n 's/^  "snr_db": \(.*\),/\1/p' report | awk -v a=$db '{ d = $1 - a; if (d * d < 0.0004) print "right"; else print "asked", a, "is", $1 }'
done
mote info x.mote --json | grep -c '"states": 32'
mote info x.mote | grep -c 'trellis 32 states'
mote pack b.safetensors -o y.mote --snr 15.5 --importance b.safetensors
echo "-> $?"
gen nan n.safetensors
t mote pack n.safetensors -o n.mote --bits 4
t mote pack n.safetensors -o n.mote --rank 4
t mote pack n.safetensors -o n.mote --snr 20
t mote pack n.safetensors -o n.mote --snr 20 --importance b.safetensors
mote pack n.safetensors -o n.mote 2>/dev/null && mote unpack n.mote -o m.safetensors 2>/dev/null && cmp n.safetensors m.safetensors && echo same
ls
t mote pack b.safetensors -o n.mote --nf4 --profile nano
t mote pack b.safetensors -o n.mote --bits 16 --profile nano
t mote pack b.safetensors -o n.mote --bits 4 --per 32 --profile nano
t mote pack b.safetensors -o n.mote --bits 4 --zero-point --profile nano
mote pack b.safetensors -o n.mote --bits 4 --per 32 --zero-point && mote info n.mote | grep -E '^(profile|needs)'
mote pack b.safetensors -o n.mote --prune 0.7 --bits 8 --profile nano && mote info n.mote | grep -E '^(profile|needs)'
t mote pack b.safetensors -o n.mote --nm 4:4
t mote pack b.safetensors -o n.mote --nm 2:
t mote pack b.safetensors -o n.mote --nm 2:4 --prune 0.5
t mote pack b.safetensors -o n.mote --book-rows 4
t mote pack b.safetensors -o n.mote --codebook 257
t mote pack b.safetensors -o n.mote --residual 4
