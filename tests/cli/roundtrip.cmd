gen model m.safetensors
for profile in nano std host; do
    for chunk in 512 1K 16K; do
        mote pack m.safetensors -o x.mote --profile $profile --chunk $chunk 2>/dev/null
        mote unpack x.mote -o y.safetensors 2>/dev/null
        cmp m.safetensors y.safetensors && echo "$profile $chunk: same"
    done
done
t mote unpack x.mote -o y.npz
t mote pack y.npz -o z.mote
t mote unpack x.mote -o folder/
ls folder
t mote unpack x.mote -o folder
t mote pack folder/fc.weight.npy -o one.mote 2>/dev/null
t mote unpack one.mote -o one.npz
cp one.npz two.npz
t mote pack two.npz -o two.mote 2>/dev/null
t mote unpack two.mote -o one.npz 2>/dev/null
cmp one.npz two.npz
