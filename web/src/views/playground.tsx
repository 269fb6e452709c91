import { View } from "../parts/frame";
export function PlaygroundView(_: any) { return <View title="playground">…</View>; }
