import { View } from "../parts/frame";
export function AlertView(_: any) { return <View title="alert">…</View>; }
