gen model m.safetensors
p() { t mote pack m.safetensors -o x.mote "$@"; }
p --bits 0
p --bits 9
p --bits 17
p --bits 4x
p --bits -4
p --bits 4 --f16
p --f16 --bf16
p --lossless --bits 4
p --lossless --prune 0.5
p --per row
p --scales f16
p --zero-point
p --bits 4 --per 0
p --bits 4 --per column
p --bits 4 --scales f64
p --prune 0
p --prune 1
p --prune nan
p --prune 0x1p-1
p --prune 0.5 --threshold 0.1
p --threshold -1
p --rank 0
p --rank 4 --energy 0.9
p --energy 1.1
p --snr 0
p --snr 121
p --step 0
p --snr 20 --step 1
p --trellis 32
p --native 8
p --snr 20 --trellis 16
p --snr 20 --trellis many
p --snr 20 --native 9
p --snr 20 --bits 4
p --snr 20 --prune 0.5
p --step 1 --rank 3
p --step 1 --f16
p --snr 20 --importance missing
p --only 'fc.*'
p --bits 4 --only 'nothing*'
p --chunk 100
p --chunk 2M
p --chunk 16k
p --profile tiny
p --profile nano --chunk 32K
p --vendor 12
p --vendor 0123456789abcdef0123456789abcdeg
p --class 0123456789abcdef0123456789abcdef --class 0123456789ABCDEF0123456789abcdef
p --sequence 0
p --sequence 9007199254740993
p --sequence 18446744073709551616
p --name ''
p --name 12345678901234567890123456789012345678901234567890123456789012345
p --created 0
p --threads 0
p --key k.key --name a
p --key k.key --sequence 3
p --blob nothing
p --blob =m.safetensors
p --blob a=m.safetensors --blob a=m.safetensors
p --blob a=missing
t env SOURCE_DATE_EPOCH=yesterday mote pack m.safetensors -o x.mote
t mote pack m.safetensors -o - --json
t mote pack missing -o x.mote
t mote pack . -o x.mote
t mote pack /dev/null -o x.mote
ls
